"""Fixtures of auth's tests: the application with its own keys, users, tokens, and access as the tables' owner."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.email_addresses import canonical
from domain.messages import unseal_message
from services.auth.main import SERVICE, setup
from services.auth.settings import AuthSettings
from services.auth.users.service import create_user
from shared.database.session import Database, transaction
from shared.http.app import Service
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.browsers import be_browser
from shared.testing.keys import keys_for
from shared.testing.servers import Servers, base_settings
from shared.testing.types import Outbox

PASSWORD = "et langt kodeord"
EMAIL = "kirsten@example.com"


def pem(key: Any) -> str:
    form = serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode())


@pytest.fixture
def service() -> Service:
    return SERVICE


@pytest.fixture(scope="session")
def own_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def own_settings(own_key: rsa.RSAPrivateKey) -> dict[str, object]:
    """What the service is set to beside where its servers are: a key of its own, and passwords that cost little."""
    return {"role": "api", "jwt_private_key": pem(own_key), "argon2_memory_kib": 8192, "argon2_time_cost": 1}


@pytest.fixture
def settings(servers: Servers, owner_url: str, own_settings: dict[str, object]) -> AuthSettings:
    return AuthSettings.model_validate(base_settings(servers, owner_url) | own_settings)


@pytest.fixture
async def app(app: FastAPI) -> FastAPI:
    """Auth trusts its own keys, as in service, and not the tests'."""
    setup(app)
    return app


OtherClient = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def other_client(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[OtherClient]:
    """A client of another address or program."""
    async with AsyncExitStack() as stack:

        async def make(host: str = "203.0.113.7", agent: str = "another") -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(host, 4711))
            client = httpx.AsyncClient(transport=transport, base_url="https://test", headers={"User-Agent": agent})
            return await stack.enter_async_context(client)

        yield make


Register = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def register(client: httpx.AsyncClient, outbox: Outbox) -> Register:
    """Registers, and verifies the address in the same browser. `verify=False`: only registers."""
    be_browser(client)

    async def send(email: str = EMAIL, *, verify: bool = True, **more: Any) -> httpx.Response:
        body = {"email": email, "password": PASSWORD, "full_name": "Kirsten Ærø", **more}
        before = await tokens_to(outbox, "verification_requested", email)
        answer = await client.post("/api/v1/auth/register", json=body)
        mailed = (await tokens_to(outbox, "verification_requested", email))[len(before) :] if verify else []
        for token in mailed:
            assert (await client.post("/api/v1/auth/verify-email", json={"token": token})).status_code == 204
        return answer

    return send


Login = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def login(client: httpx.AsyncClient) -> Login:
    async def send(email: str = EMAIL, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password, **more})
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    return send


SignUp = Callable[..., Awaitable[UUID]]


@pytest.fixture
def sign_up(app: FastAPI, database: Database) -> SignUp:
    """A user of any role, already verified, as `loctician create-admin` creates them."""

    async def make(email: str, role: str) -> UUID:
        password_hash = await app.state.auth.passwords.hash(PASSWORD)
        values = {"email": email, "full_name": "Ida Lindholm", "role": role, "language": "da", "verified": True}
        async with transaction(database, SERVICE_CLAIMS) as session:
            user_id = await create_user(session, password_hash, **values)
        assert user_id is not None
        return user_id

    return make


@pytest.fixture
async def admin(sign_up: SignUp, login: Login) -> dict[str, str]:
    """An admin's headers."""
    await sign_up("admin@example.com", "admin")
    return bearer(await login("admin@example.com"))


Mailed = Callable[..., Awaitable[str]]


@pytest.fixture
def mailed(outbox: Outbox) -> Mailed:
    """The one-time token last mailed to an address: "verification_requested", "password_reset_requested", "invited"."""

    async def find(kind: str, email: str = EMAIL) -> str:
        return (await tokens_to(outbox, kind, email))[-1]

    return find


def opened(data: Mapping[str, Any]) -> str:
    """The token in an event's data, as notifications opens it."""
    token = unseal_message(keys_for("notifications"), UUID(data["user_id"]), data["token"], "auth")
    assert token
    return token


async def tokens_to(outbox: Outbox, kind: str, email: Any) -> list[str]:
    """The tokens mailed to an address, in order; none to what is no address."""
    sent = [event["data"] for event in await outbox() if event["type"] == f"user.{kind}.v1"]
    return [opened(data) for data in sent if data["email"] == canonical(str(email))]


AsOwner = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
def as_owner(owner: AsyncEngine) -> AsOwner:
    """Runs a statement as the owner of the tables, past the policies. Returns its rows."""

    async def run(statement: str, **values: Any) -> list[Any]:
        async with owner.begin() as connection:
            await connection.execute(text("""SELECT set_config('request.jwt.claims', '{"role": "service"}', true)"""))
            result = await connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    return run


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def id_of(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    return str((await client.get("/api/v1/users/me", headers=headers)).json()["id"])


def types(events: list[dict[str, Any]], *wanted: str) -> list[dict[str, Any]]:
    return [event["data"] for event in events if event["type"] in wanted]
