from fastapi import FastAPI

from domain.roles import Role
from services.auth.api import router
from services.auth.jobs import JOBS
from services.auth.keys import Keys
from services.auth.passwords import Passwords
from services.auth.sessions import Desk
from services.auth.settings import AuthSettings
from shared.http.app import Runtime, Service, create_app
from shared.identity.tokens import TokenVerifier
from shared.settings import load


def setup(app: FastAPI) -> None:
    runtime: Runtime = app.state.runtime
    settings = runtime.settings
    assert isinstance(settings, AuthSettings)  # noqa: S101 - the class that SERVICE names
    keys = Keys(settings, runtime.database)
    app.state.desk = Desk(settings, runtime.database, keys, Passwords(settings))
    app.state.verifier = TokenVerifier(keys, settings.public_url, settings.jwt_audience, tuple(Role))


SERVICE = Service(name="auth", settings=AuthSettings, roles=tuple(Role), routers=[router], jobs=JOBS, setup=setup)


def create() -> FastAPI:
    return create_app(SERVICE, load(AuthSettings))
