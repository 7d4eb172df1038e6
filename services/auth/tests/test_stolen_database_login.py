"""Attacks by somebody who has nothing but auth's database login: it alone makes no key, session, role or password."""

import base64
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.auth.encryption import token_digest
from services.auth.settings import AuthSettings
from services.auth.signing_keys.keys import SigningKey, thumbprint
from services.auth.tests.conftest import EMAIL, PASSWORD, AsOwner, Login, SignUp, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

ADMIN, THIEF = "admin@example.com", "thief@example.com"
LOGIN, REFRESH = "/api/v1/auth/login", "/api/v1/auth/refresh"
THIEFS_PASSWORD = "tyvens eget lange kodeord"


async def steal(database: Database, statement: str, **values: Any) -> list[Any]:
    """What the statement returns to the thief; nothing where the database refuses it."""
    with suppress(DBAPIError):
        async with transaction(database, SERVICE_CLAIMS) as session:
            return list((await session.execute(text(statement), values)).all())
    return []


async def begin_login(database: Database, email: str) -> Any:
    (row,) = await steal(database, "SELECT * FROM auth.begin_login(:email, '', '', '')", email=email)
    return row


def forged_token(settings: AuthSettings, key: SigningKey, user_id: UUID) -> str:
    now = int(time.time())
    claims = {
        "iss": settings.public_url, "aud": settings.jwt_audience, "sub": str(user_id), "sid": str(uuid4()),
        "role": "admin", "auth_time": now, "iat": now, "nbf": now, "exp": now + 600, "jti": str(uuid4()),
    }  # fmt: skip
    return jwt.encode(claims, key.private, "RS256", {"kid": key.kid, "typ": "at+jwt"})


ADD_KEY = """SELECT auth.add_signing_key(p_kid => :kid, p_jwk => CAST(:jwk AS jsonb), p_private => :private,
             p_signs_from => now() - interval '1 day', p_mac => :mac)"""
INSERT_KEY = """INSERT INTO auth.signing_keys (kid, public_jwk, private_key, signs_from)
                VALUES (:kid, CAST(:jwk AS jsonb), :private, now() - interval '1 day') RETURNING kid"""
CHANGE_KEY = "UPDATE auth.signing_keys SET public_jwk = CAST(:jwk AS jsonb) RETURNING kid"


class TestSigningKeys:
    @pytest.mark.parametrize("statement", [ADD_KEY, INSERT_KEY, CHANGE_KEY])
    async def test_key_of_the_thief_is_not_published_and_signs_nothing(
        self, client: httpx.AsyncClient, app: FastAPI, settings: AuthSettings, database: Database, sign_up: SignUp,
        statement: str,
    ) -> None:  # fmt: skip
        admin = await sign_up(ADMIN, "admin")
        right = (await client.get("/.well-known/jwks.json")).json()
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        own = SigningKey(thumbprint(private.public_key()), private)
        kid = right["keys"][0]["kid"] if statement == CHANGE_KEY else own.kid
        jwk = str({**own.public_jwk, "kid": kid}).replace("'", '"')
        values = {"kid": kid, "jwk": jwk, "private": b"x", "mac": secrets.token_bytes(32)}
        await steal(database, statement, **{name: values[name] for name in values if f":{name}" in statement})
        app.state.auth.signing_keys._read_at = float("-inf")
        assert (await client.get("/.well-known/jwks.json")).json() == right
        token = forged_token(settings, SigningKey(kid, private), admin)
        answer = await client.get("/api/v1/users", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401

    async def test_row_that_was_changed_by_the_owner_is_ignored_too(
        self, client: httpx.AsyncClient, app: FastAPI, settings: AuthSettings, as_owner: AsOwner,
        caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        (right,) = (await client.get("/.well-known/jwks.json")).json()["keys"]
        for change in ('public_jwk = public_jwk || \'{"e": "AQAC"}\'', "signs_from = signs_from - interval '1 s'"):
            await as_owner(f"UPDATE auth.signing_keys SET {change}".replace(":", r"\:"))
            app.state.auth.signing_keys._read_at = float("-inf")
            assert right["kid"] not in str((await client.get("/.well-known/jwks.json")).json())
        assert "signing_key_not_authentic" in caplog.text


OPEN = """SELECT * FROM auth.open_session(:session, :user, :changed_at, NULL, :token, :expires, '', '', '',
          NULL, NULL, 'thief', '203.0.113.9')"""
OWN_HASH = "SELECT auth.change_password(:user, :session, :changed_at, :hash)"


class TestSessions:
    async def test_session_made_in_the_database_gets_no_access_token(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp
    ) -> None:
        admin, session = await sign_up(ADMIN, "admin"), uuid4()
        token = base64.urlsafe_b64encode(session.bytes + secrets.token_bytes(32)).decode().rstrip("=")
        expires = datetime.now(UTC) + timedelta(days=1)
        changed_at = (await begin_login(database, ADMIN)).changed_at
        values = {"session": session, "user": admin, "changed_at": changed_at, "expires": expires}
        (opened,) = await steal(database, OPEN, token=token_digest(token), **values)
        assert opened.outcome == "opened", "the attack itself works"
        answer = await client.post(REFRESH, json={"refresh_token": token})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
        answer = await client.post("/api/v1/auth/logout", json={"refresh_token": token})
        assert answer.status_code == 401

    async def test_changed_role_and_state_sign_nobody_in(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp, login: Login, as_owner: AsOwner
    ) -> None:
        await sign_up(THIEF, "customer")
        tokens = await login(THIEF)
        for change in ("role = 'admin'", "email = 'other@example.com'"):
            statement = f"UPDATE auth.users SET {change} WHERE email = '{THIEF}' RETURNING id"
            assert len(await steal(database, statement)) == 1, "the attack itself works"
            email = "other@example.com" if "email" in change else THIEF
            body = {"email": email, "password": PASSWORD}
            assert (await client.post(LOGIN, json=body)).status_code == 401
            answer = await client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]})
            assert answer.status_code == 401
            await as_owner(f"UPDATE auth.users SET role = 'customer', email = '{THIEF}' WHERE email = '{email}'")
            tokens = await login(THIEF)

    async def test_deactivated_account_is_not_revived(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp, admin: dict[str, str]
    ) -> None:
        user_id = await sign_up(THIEF, "staff")
        assert (await client.delete(f"/api/v1/users/{user_id}", headers=admin)).status_code == 204
        assert await steal(database, f"UPDATE auth.users SET active = true WHERE id = '{user_id}' RETURNING id")
        assert (await client.post(LOGIN, json={"email": THIEF, "password": PASSWORD})).status_code == 401

    async def test_admins_calls_do_not_make_a_changed_account_right(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp, admin: dict[str, str]
    ) -> None:
        user_id = await sign_up(THIEF, "customer")
        await steal(database, f"UPDATE auth.users SET role = 'admin' WHERE id = '{user_id}' RETURNING id")
        path = f"/api/v1/users/{user_id}"
        for answer in (
            await client.patch(path, json={"full_name": "Ny"}, headers=admin | {"If-Match": '"1"'}),
            await client.put(f"{path}/role", json={"role": "staff"}, headers=admin),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "account_altered")
        assert (await client.post(LOGIN, json={"email": THIEF, "password": PASSWORD})).status_code == 401


class TestPasswords:
    async def test_hash_that_the_database_gives_cannot_be_guessed_from(
        self, database: Database, sign_up: SignUp
    ) -> None:
        await sign_up(EMAIL, "customer")
        stolen = (await begin_login(database, EMAIL)).password_hash
        assert stolen
        assert "argon2" not in stolen
        assert b"argon2" not in base64.b64decode(stolen)

    @pytest.mark.parametrize("how", ["an own hash", "the thief's hash"])
    async def test_hash_of_the_thief_lets_nobody_in(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp, login: Login, how: str
    ) -> None:
        admin = await sign_up(ADMIN, "admin")
        await login(ADMIN)
        await sign_up(THIEF, "customer")
        stolen = (await begin_login(database, THIEF)).password_hash
        own = PasswordHasher(memory_cost=8192, time_cost=1).hash(PASSWORD) if how == "an own hash" else stolen
        ((session,),) = await steal(database, f"SELECT id FROM auth.list_sessions('{admin}')")
        changed_at = (await begin_login(database, ADMIN)).changed_at
        values = {"user": admin, "session": session, "changed_at": changed_at}
        assert (await steal(database, OWN_HASH, hash=own, **values))[0][0] is True, "the attack itself works"
        assert (await client.post(LOGIN, json={"email": ADMIN, "password": PASSWORD})).status_code == 401


class TestAddresses:
    async def test_link_for_a_changed_address_is_not_mailed(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp, outbox: Outbox
    ) -> None:
        await sign_up(ADMIN, "admin")
        await steal(database, f"UPDATE auth.users SET email = '{THIEF}' WHERE email = '{ADMIN}' RETURNING id")
        answer = await client.post("/api/v1/auth/forgot-password", json={"email": THIEF})
        assert answer.status_code == 202
        assert types(await outbox(), "user.password_reset_requested.v1") == []

    async def test_change_of_address_made_in_the_database_is_not_confirmed(
        self, client: httpx.AsyncClient, database: Database, sign_up: SignUp
    ) -> None:
        admin, token = await sign_up(ADMIN, "admin"), secrets.token_urlsafe(32)
        request = "SELECT user_id FROM auth.request_email_change(:user, :email, :hash, now() + interval '1 day')"
        values = {"user": admin, "email": THIEF, "hash": token_digest(token)}
        assert len(await steal(database, request, **values)) == 1, "the attack itself works"
        answer = await client.post("/api/v1/auth/confirm-email", json={"token": token})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_token")
