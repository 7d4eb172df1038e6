"""SECRET_KEY is changed while SECRET_KEY_PREVIOUS is still known: accounts, passwords and sessions go on working."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.auth.context import AuthContext
from services.auth.settings import AuthSettings
from services.auth.tests.conftest import EMAIL, PASSWORD, Login, Register
from services.auth.tests.test_cookies import log_in as log_in_with_cookie
from services.auth.tests.test_cookies import sent
from services.auth.users.renewal import renew
from shared.database.session import Database, transaction
from shared.identity.derived_keys import keys_from
from shared.identity.principals import SERVICE_CLAIMS

REFRESH = "/api/v1/auth/refresh"
NEW = {"secret_key": SecretStr("the new secret of thirty-two characters")}


def restart(app: FastAPI, database: Database, settings: AuthSettings) -> None:
    """Auth as it starts with these settings."""
    database.keys = keys_from(settings, "auth")
    app.state.auth = AuthContext.create(settings, database)


@pytest.fixture
def changed(settings: AuthSettings) -> AuthSettings:
    return settings.model_copy(update=NEW | {"secret_key_previous": settings.secret_key})


async def can_log_in(client: httpx.AsyncClient) -> bool:
    answer = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
    return answer.status_code == 200


async def test_sessions_and_passwords_go_on_working(
    client: httpx.AsyncClient, app: FastAPI, database: Database, settings: AuthSettings, changed: AuthSettings,
    register: Register, login: Login,
) -> None:  # fmt: skip
    await register()
    tokens = await login()
    browser, cookie = await log_in_with_cookie(client)
    restart(app, database, changed)
    answer = await client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 200
    answer = await client.post(REFRESH, headers=sent(cookie, browser["csrf_token"]))
    assert answer.status_code == 200, answer.text
    assert await can_log_in(client)


async def test_what_the_old_key_made_is_renewed_before_it_goes(
    client: httpx.AsyncClient, app: FastAPI, database: Database, settings: AuthSettings, changed: AuthSettings,
    register: Register,
) -> None:  # fmt: skip
    await register()
    without = settings.model_copy(update=NEW)
    restart(app, database, without)
    assert not await can_log_in(client)
    restart(app, database, changed)
    async with transaction(database, SERVICE_CLAIMS) as session:
        await renew(session)
    restart(app, database, without)
    assert await can_log_in(client)
    restart(app, database, settings)
    assert not await can_log_in(client)
