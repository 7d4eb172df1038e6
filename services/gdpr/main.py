from fastapi import FastAPI

from domain.roles import Role
from services.gdpr.api import router
from services.gdpr.consumers import subscriptions
from services.gdpr.jobs import JOBS
from services.gdpr.settings import GdprSettings
from shared.http.app import Service, create_app
from shared.settings import load

SERVICE = Service(
    name="gdpr",
    settings=GdprSettings,
    roles=tuple(Role),
    routers=[router],
    subscriptions=subscriptions,
    jobs=JOBS,
)


def create() -> FastAPI:
    return create_app(SERVICE, load(GdprSettings))
