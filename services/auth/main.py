"""Wiring of the service: its routers, jobs and context."""

from fastapi import FastAPI

from domain import business_log
from domain.roles import Role
from keys.tokens import TokenVerifier
from services.auth.account_pages import endpoints as account_pages
from services.auth.context import AuthContext
from services.auth.email_changes import endpoints as email_changes
from services.auth.jobs import JOBS
from services.auth.login_links import endpoints as login_links
from services.auth.login_links.consumers import subscriptions
from services.auth.logins import endpoints as logins
from services.auth.mfa import endpoints as mfa
from services.auth.passkeys import endpoints as passkeys
from services.auth.passwords import endpoints as passwords
from services.auth.registrations import endpoints as registrations
from services.auth.sessions import endpoints as sessions
from services.auth.settings import AuthSettings
from services.auth.sign_in_pages import endpoints as sign_in_pages
from services.auth.signing_keys import endpoints as signing_keys
from services.auth.users import endpoints as users
from services.auth.users.demo_accounts import refuse_demo_accounts, watch_demo_accounts
from shared.http.app import Runtime, Service, create_app
from shared.settings import load

NOUNS = (
    *(registrations, passwords, logins, login_links, sessions, mfa, passkeys, signing_keys, users),
    *(email_changes, account_pages, sign_in_pages),
)


def setup(app: FastAPI) -> None:
    runtime: Runtime = app.state.runtime
    settings = runtime.settings
    assert isinstance(settings, AuthSettings)  # noqa: S101 - the class that SERVICE names
    context = AuthContext.create(settings, runtime.database)
    app.state.auth = context
    # Auth verifies access tokens with its own keys, without a call to itself.
    app.state.verifier = TokenVerifier(context.signing_keys, settings.public_url, settings.jwt_audience, tuple(Role))


SERVICE = Service(
    name="auth",
    settings=AuthSettings,
    description="Accounts, logins, sessions and signing keys.",
    roles=tuple(Role),
    routers=[noun.router for noun in NOUNS],
    subscriptions=subscriptions,
    jobs=JOBS,
    setup=setup,
    on_published=business_log.write,
)


def create() -> FastAPI:
    settings = load(AuthSettings)
    refuse_demo_accounts(settings)
    app = create_app(SERVICE, settings)
    watch_demo_accounts(app)
    return app
