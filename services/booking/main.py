from fastapi import FastAPI

from domain.roles import Role
from services.booking import portfolio
from services.booking.api import router
from services.booking.consumers import subscriptions
from services.booking.jobs import JOBS
from services.booking.settings import BookingSettings
from shared.http.app import Service, Worker, create_app
from shared.settings import load

SERVICE = Service(
    name="booking",
    settings=BookingSettings,
    roles=tuple(Role),
    routers=[router],
    subscriptions=subscriptions,
    jobs=JOBS,
    workers=[Worker("portfolio", portfolio.run)],
)


def create() -> FastAPI:
    return create_app(SERVICE, load(BookingSettings))
