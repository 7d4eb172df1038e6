from fastapi import FastAPI

from services.calendar import refreshing
from services.calendar.api import routers
from services.calendar.consumers import subscriptions
from services.calendar.jobs import JOBS
from services.calendar.settings import CalendarSettings
from shared.app import Service, Worker, create_app
from shared.settings import load

SERVICE = Service(
    name="calendar",
    settings=CalendarSettings,
    routers=routers,
    subscriptions=subscriptions,
    jobs=JOBS,
    workers=[Worker("imports", refreshing.run)],
)


def create() -> FastAPI:
    return create_app(SERVICE, load(CalendarSettings))
