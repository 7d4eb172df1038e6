from fastapi import FastAPI

from domain.roles import Role
from services.calendar import refreshing
from services.calendar.api import routers
from services.calendar.consumers import subscriptions
from services.calendar.jobs import JOBS
from services.calendar.settings import CalendarSettings
from shared.http.app import Service, Worker, create_app
from shared.settings import load

SERVICE = Service(
    name="calendar",
    settings=CalendarSettings,
    roles=tuple(Role),
    routers=routers,
    subscriptions=subscriptions,
    jobs=JOBS,
    workers=[Worker("imports", refreshing.run)],
)


def create() -> FastAPI:
    return create_app(SERVICE, load(CalendarSettings))
