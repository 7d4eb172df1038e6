"""Fixtures around one service: its database, its application, tokens, messages in and out.

A service's tests/conftest.py says which one: a fixture `service` that returns its `Service`.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from keys.tokens import TokenVerifier
from shared.database.session import Database, transaction
from shared.http.app import Runtime, Service, create_app
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import Event, envelope, new_id
from shared.messaging.subscriptions import handle
from shared.settings import Settings, plain_url
from shared.testing.conformance import conformance
from shared.testing.keys import StaticJwks
from shared.testing.servers import Servers, base_settings
from shared.testing.types import DatabaseUrl, Headers, Outbox
from shared.testing.types import Deliver as Deliver
from shared.testing.types import TokenFor as TokenFor

KID = "test-key"
# TRUNCATE takes a lock and a new file for each table, so only those that hold something are emptied.
EMPTY = """
    DO $$ DECLARE
        tables regclass[] := ARRAY(
            SELECT c.oid FROM pg_class c
            WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0
                AND c.relname NOT IN ('alembic_version', 'sql_files')
                AND obj_description(c.oid, 'pg_class') IS DISTINCT FROM 'reference data'  -- only revisions write it
        );
        filled regclass;
    BEGIN
        IF cardinality(tables) = 0 THEN RETURN; END IF;
        FOREACH filled IN ARRAY tables LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', filled); END LOOP;
        EXECUTE format('TRUNCATE %s RESTART IDENTITY CASCADE', array_to_string(tables, ', '));
        FOREACH filled IN ARRAY tables LOOP EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', filled); END LOOP;
    END $$
"""


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def owner_url(service: Service, database_url: DatabaseUrl) -> str:
    return await database_url(service.name)


@pytest.fixture(scope="session")
async def owner_engines() -> AsyncIterator[dict[str, AsyncEngine]]:
    """Connections as the owner by address, kept for all tests."""
    engines: dict[str, AsyncEngine] = {}
    yield engines
    for engine in engines.values():
        await engine.dispose()


@pytest.fixture
async def owner(owner_url: str, owner_engines: dict[str, AsyncEngine]) -> AsyncEngine:
    """Connections as the owner of the tables, for arranging and for looking behind the policies."""
    if owner_url not in owner_engines:
        address = plain_url(owner_url).replace("postgresql://", "postgresql+asyncpg://", 1)
        owner_engines[owner_url] = create_async_engine(address)
    return owner_engines[owner_url]


@pytest.fixture
def settings(service: Service, servers: Servers, owner_url: str) -> Settings:
    values = base_settings(servers, owner_url) | {"role": "api"}
    return service.settings.model_validate(values)


async def empty(owner: AsyncEngine, schema: str) -> None:
    """Delete all rows of a schema except its reference data."""
    async with owner.begin() as connection:
        await connection.execute(text(EMPTY.format(schema=schema)))


@pytest.fixture(scope="session")
def apps() -> dict[str, tuple[Service, FastAPI]]:
    """Applications by name and settings, kept for all tests: to build the routes takes longer than most tests."""
    return {}


@pytest.fixture
async def app(
    service: Service,
    settings: Settings,
    owner: AsyncEngine,
    signing_key: rsa.RSAPrivateKey,
    apps: dict[str, tuple[Service, FastAPI]],
) -> FastAPI:
    """The service's application on emptied tables, trusting the tests' key. Its state is new for each test."""
    await empty(owner, service.name)
    key = f"{service.name} {settings!r}"
    built_for, made = apps.get(key, (None, None))
    if made is None or built_for is not service:
        made = create_app(service, settings)
        apps[key] = (service, made)
    else:
        made.dependency_overrides.clear()
        made.state.runtime = Runtime(service, settings, Database.from_settings(settings, service.name))
        if service.setup:
            service.setup(made)
    keys = StaticJwks({KID: signing_key.public_key()})
    made.state.verifier = TokenVerifier(keys, settings.public_url, settings.jwt_audience, service.roles)
    return made


@pytest.fixture
async def database(app: FastAPI) -> AsyncIterator[Database]:
    """The database as the service's own role."""
    yield app.state.runtime.database
    await app.state.runtime.database.close()


@pytest.fixture
async def client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [conformance(app)]}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", timeout=30, event_hooks=hooks
        ) as made:
            yield made


@pytest.fixture
def token_for(signing_key: rsa.RSAPrivateKey, settings: Settings) -> TokenFor:
    def make(role: str, user_id: UUID | None = None, **overrides: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": settings.public_url,
            "aud": settings.jwt_audience,
            "sub": str(user_id or new_id()),
            "sid": str(new_id()),
            "jti": str(new_id()),
            "role": str(role),
            "iat": now,
            "nbf": now,
            "exp": now + 1800,
        }
        return jwt.encode(claims | overrides, signing_key, "RS256", {"kid": KID, "typ": "at+jwt"})

    return make


@pytest.fixture
def auth_headers(token_for: TokenFor) -> Headers:
    return lambda role, user_id=None: {"Authorization": f"Bearer {token_for(role, user_id)}"}


@pytest.fixture
def deliver(service: Service, app: FastAPI, database: Database) -> Deliver:
    """Hand an event to the service as its consumer would; tells whether it was new."""

    async def send(
        type: str,  # noqa: A002 - CloudEvents' own name
        data: Mapping[str, Any],
        *,
        subject: str = "",
        version: int | None = None,
        event_id: UUID | None = None,
        taken_at: datetime | None = None,
        pushed: bool = False,
        source: str = "",
        **attributes: Any,
    ) -> bool:
        row = {
            "event_id": event_id or new_id(),
            "type": type,
            "subject": subject or str(next(iter(data.values()), "")),
            "version": version if version is not None else data.get("version", 1),
            "occurred_at": datetime.now(UTC),
            "traceparent": None,
            "actor_id": None,
            "actor_role": "service",
            "request_id": None,
            "data": dict(data),
        }
        message = envelope(source or f"/services/{data.get('service', 'test')}", row | attributes)
        return await handle(
            database, app.state.runtime.subscriptions, service.name, message, taken_at=taken_at, pushed=pushed
        )

    return send


@pytest.fixture
def outbox(service: Service, database: Database) -> Outbox:
    """What waits to be published, oldest first: CloudEvents, and realtime rows as they stand.

    The data of each event is checked against its class, also of those that SQL functions write.
    """
    classes = _event_classes(service)

    async def read() -> list[dict[str, Any]]:
        async with transaction(database, SERVICE_CLAIMS) as session:
            rows = (await session.execute(text(f"SELECT * FROM {service.name}.outbox ORDER BY id"))).mappings().all()
        for row in rows:
            if row["type"] in classes:
                classes[row["type"]].model_validate(row["data"])
        return [envelope(f"/services/{service.name}", dict(row)) | {"exchange": row["exchange"]} for row in rows]

    return read


def _event_classes(service: Service) -> dict[str, type[Event]]:
    values = vars(service.module("events")).values() if service.module("events") else ()
    return {
        value.type_: value
        for value in values
        if isinstance(value, type) and issubclass(value, Event) and hasattr(value, "type_")
    }
