"""STAFF_NEED_SECOND_FACTOR: staff and admins work with a second factor or a passkey, and can sign in to add one."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
from fastapi import FastAPI

from services.auth.settings import AuthSettings
from services.auth.tests.authenticator import Authenticator
from services.auth.tests.conftest import PASSWORD, AsOwner, Login, SignUp, bearer

STAFF = "mads@example.com"
USERS = "/api/v1/users"
PASSKEYS = "/api/v1/auth/passkeys"


@pytest.fixture
def needed(app: FastAPI) -> None:
    context = app.state.auth
    context.settings = context.settings.model_copy(update={"staff_need_second_factor": True})


async def refreshed(client: httpx.AsyncClient, tokens: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()
    return result


async def works(client: httpx.AsyncClient, tokens: dict[str, Any]) -> bool:
    """Whether the tokens have the rights of staff."""
    return (await client.get(USERS, headers=bearer(tokens))).status_code == 200


@pytest.mark.usefixtures("needed")
@pytest.mark.parametrize("role", ["staff", "admin"])
async def test_password_alone_gives_a_customers_rights_until_a_second_factor_is_on(
    client: httpx.AsyncClient, sign_up: SignUp, login: Login, as_owner: AsOwner, role: str
) -> None:
    await sign_up(STAFF, role)
    tokens = await login(STAFF)
    assert tokens["needs_second_factor"] is True
    assert not await works(client, tokens)
    tokens = await refreshed(client, tokens)
    assert not await works(client, tokens)
    assert (await client.get("/api/v1/users/me", headers=bearer(tokens))).json()["role"] == role
    secret = (await client.post("/api/v1/auth/mfa/enroll", headers=bearer(tokens))).json()["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    confirmed = await client.post("/api/v1/auth/mfa/confirm", json=code, headers=bearer(tokens))
    assert confirmed.status_code == 200
    tokens = await refreshed(client, tokens)
    assert "needs_second_factor" not in tokens
    assert await works(client, tokens)
    await as_owner("UPDATE auth.mfa SET last_step = 0")
    assert await works(client, await login(STAFF, **code))


@pytest.mark.usefixtures("needed")
async def test_passkey_gives_the_rights_and_the_password_beside_it_does_not(
    client: httpx.AsyncClient, sign_up: SignUp, login: Login, settings: AuthSettings
) -> None:
    await sign_up(STAFF, "staff")
    tokens = await login(STAFF)
    device = Authenticator(settings.public_url, urlsplit(settings.public_url).hostname or "")
    options = (await client.post(f"{PASSKEYS}/options", headers=bearer(tokens))).json()["options"]
    body = {"name": "nøgle", "credential": device.create(options)}
    assert (await client.post(PASSKEYS, json=body, headers=bearer(tokens))).status_code == 201
    assert await works(client, await refreshed(client, tokens))
    options = (await client.post(f"{PASSKEYS}/login-options")).json()["options"]
    answer = await client.post(f"{PASSKEYS}/login", json={"credential": device.get(options)})
    assert await works(client, answer.json())
    assert not await works(client, await login(STAFF))


@pytest.mark.usefixtures("needed")
async def test_other_roles_need_none(client: httpx.AsyncClient, sign_up: SignUp, login: Login) -> None:
    for number, role in enumerate(("customer", "loctician")):
        await sign_up(f"{number}@example.com", role)
        assert "needs_second_factor" not in await login(f"{number}@example.com")


async def test_is_off_by_default(client: httpx.AsyncClient, sign_up: SignUp, login: Login) -> None:
    await sign_up(STAFF, "staff")
    body = {"email": STAFF, "password": PASSWORD}
    tokens = (await client.post("/api/v1/auth/login", json=body)).json()
    assert "needs_second_factor" not in tokens
    assert await works(client, tokens)
