"""Whoever has only auth's database login makes no mailed token that works: rows without the right MAC are ignored."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from services.auth.encryption import token_digest
from services.auth.tests.conftest import EMAIL, AsOwner, Login, Mailed, Register, SignUp
from shared.database.session import Database, transaction
from shared.identity.principals import Claims

FORGOT, RESET = "/api/v1/auth/forgot-password", "/api/v1/auth/reset-password"
VERIFY, CONFIRM = "/api/v1/auth/verify-email", "/api/v1/auth/confirm-email"
OWN = "a token that the thief has made"
ISSUE = text("SELECT * FROM auth.issue_token(:email, :purpose, :hash, :expires, NULL, NULL)")
SIGN = text("SELECT auth.sign_token(:hash, :mac)")
CHANGE = text("SELECT * FROM auth.request_email_change(:user, :email, :hash, :expires)")
SIGN_CHANGE = text("SELECT auth.sign_email_change(:hash, :mac)")
NEW = "et helt nyt kodeord"


async def forge(database: Database, purpose: str, mac: bytes | None) -> None:
    """As somebody who has the login of auth's role and no other secret."""
    values = {"hash": token_digest(OWN), "expires": datetime.now(UTC) + timedelta(hours=1)}
    async with transaction(database, Claims(role="service")) as session:
        user = (await session.execute(ISSUE, {"email": EMAIL, "purpose": purpose, **values})).one()
        assert user.email == EMAIL
        if mac is not None:
            await session.execute(SIGN, {"hash": values["hash"], "mac": mac})


class TestForgedTokens:
    @pytest.mark.parametrize("mac", [None, b"", bytes(32), token_digest(OWN)])
    async def test_reset_nobody(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp, login: Login, mac: bytes | None
    ) -> None:
        await sign_up(EMAIL, "admin")
        await forge(database, "reset", mac)
        answer = await client.post(RESET, json={"token": OWN, "new_password": NEW})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_token")
        await login()

    async def test_verify_no_address(self, client: httpx.AsyncClient, database: Database, register: Register) -> None:
        await register(verify=False)
        await forge(database, "verify", bytes(32))
        assert (await client.post(VERIFY, json={"token": OWN})).status_code == 422

    async def test_change_no_address(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp, login: Login
    ) -> None:
        user_id = await sign_up(EMAIL, "admin")
        values = {"user": user_id, "email": "thief@example.com", "expires": datetime.now(UTC) + timedelta(hours=1)}
        async with transaction(database, Claims(role="service")) as session:
            forged = {"hash": token_digest(OWN), "mac": bytes(32)}
            assert (await session.execute(CHANGE, values | forged)).one().free
            await session.execute(SIGN_CHANGE, forged)
        assert (await client.post(CONFIRM, json={"token": OWN})).status_code == 422
        await login()

    @pytest.mark.parametrize(
        "change",
        [
            "user_id = (SELECT id FROM auth.users WHERE email = 'kirsten@example.com'), email = 'kirsten@example.com'",
            "expires_at = expires_at + interval '1 second'",
        ],
    )
    async def test_mac_of_another_row_does_not_fit(
        self,
        client: httpx.AsyncClient,
        as_owner: AsOwner,
        sign_up: SignUp,
        login: Login,
        mailed: Mailed,
        change: str,
    ) -> None:
        """The thief has a token mailed to an address of their own, and changes whose it is or how long it is valid."""
        await sign_up(EMAIL, "admin")
        await sign_up("thief@example.com", "customer")
        await client.post(FORGOT, json={"email": "thief@example.com"})
        token = await mailed("password_reset_requested", "thief@example.com")
        await as_owner(f"UPDATE auth.one_time_tokens SET {change}")
        assert (await client.post(RESET, json={"token": token, "new_password": NEW})).status_code == 422
        await login()

    async def test_mac_of_another_purpose_does_not_fit(
        self, client: httpx.AsyncClient, as_owner: AsOwner, register: Register, mailed: Mailed
    ) -> None:
        await register(verify=False)
        await as_owner("UPDATE auth.one_time_tokens SET purpose = 'reset'")
        body = {"token": await mailed("verification_requested"), "new_password": NEW}
        assert (await client.post(RESET, json=body)).status_code == 422

    async def test_token_of_the_service_works(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, mailed: Mailed
    ) -> None:
        await sign_up(EMAIL, "admin")
        await client.post(FORGOT, json={"email": EMAIL})
        body = {"token": await mailed("password_reset_requested"), "new_password": NEW}
        assert (await client.post(RESET, json=body)).status_code == 204
        await login(password=NEW)
