from fastapi import FastAPI

from services.booking.api import router
from services.booking.consumers import subscriptions
from services.booking.jobs import JOBS
from services.booking.settings import BookingSettings
from shared.app import Service, create_app
from shared.settings import load

SERVICE = Service(name="booking", settings=BookingSettings, routers=[router], subscriptions=subscriptions, jobs=JOBS)


def create() -> FastAPI:
    return create_app(SERVICE, load(BookingSettings))
