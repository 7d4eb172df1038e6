"""Fixtures for the real PostgreSQL and RabbitMQ: one server of each a run, a database and a vhost of one's own."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.database.migrate import migrate
from shared.settings import Settings, plain_url

SECRET_KEY = "test-secret-key-of-at-least-32-characters"  # noqa: S105 - of throw-away servers


@dataclass(frozen=True)
class Servers:
    database_url: str
    amqp_url: str
    management_url: str | None


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers in DATABASE_URL and AMQP_URL, else private ones that end with the run."""
    given = os.environ.get("DATABASE_URL"), os.environ.get("AMQP_URL")
    if given[0] and given[1]:
        yield Servers(given[0], given[1], os.environ.get("AMQP_MANAGEMENT_URL"))
        return
    from deploy.local.servers import provisioned  # only where no addresses are given

    with tempfile.TemporaryDirectory(prefix="loctician-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the servers run as users of their own, and their data goes with the folder
        with provisioned(Path(folder), durable=False) as addresses:
            yield Servers(addresses.database_url, addresses.amqp_url, addresses.amqp_management_url)


def settings_for(servers: Servers, database_url: str, **values: object) -> Settings:
    return Settings.model_validate(base_settings(servers, database_url) | values)


def base_settings(servers: Servers, database_url: str) -> dict[str, object]:
    return {
        "environment": "test",
        "database_url": database_url,
        "amqp_url": servers.amqp_url,
        "secret_key": os.environ.get("SECRET_KEY", SECRET_KEY),
        "log_level": "WARNING",
        "database_pool_size": 10,
    }


async def as_owner(url: str, *statements: str) -> None:
    """Run statements as the owner, each committed by itself."""
    engine = create_async_engine(
        plain_url(url).replace("postgresql://", "postgresql+asyncpg://", 1), isolation_level="AUTOCOMMIT"
    )
    try:
        async with engine.connect() as connection:
            for statement in statements:
                await _executed(connection, statement)
    finally:
        await engine.dispose()


async def _executed(connection: AsyncConnection, statement: str) -> None:
    """A database that is dropped may be in the hands of an autovacuum worker, which only a superuser may send away; it
    is done in a moment."""
    for pause in (0.2, 0.5, 1.0, 2.0, 4.0):
        try:
            await connection.execute(text(statement))
        except ProgrammingError as error:
            if not statement.startswith("DROP DATABASE") or "role whose process" not in str(error):
                raise
            await asyncio.sleep(pause)
        else:
            return
    await connection.execute(text(statement))


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


DatabaseUrl = Callable[[str], Awaitable[str]]


@pytest.fixture(scope="session")
async def database_url(servers: Servers) -> AsyncIterator[DatabaseUrl]:
    """The owner's address of a migrated database for a service, made when first asked for."""
    made: dict[str, str] = {}
    async with AsyncExitStack() as stack:

        async def get(service: str) -> str:
            if service not in made:
                name = f"test_{service}_{uuid4().hex[:10]}"
                await as_owner(servers.database_url, f"CREATE DATABASE {name}")
                drop = f"DROP DATABASE {name} WITH (FORCE)"
                stack.push_async_callback(as_owner, servers.database_url, drop)
                made[service] = with_database(servers.database_url, name)
                await migrate(service, settings_for(servers, made[service]))
            return made[service]

        yield get


@contextmanager
def vhost(servers: Servers) -> Iterator[str]:
    """An AMQP address on a new vhost, deleted afterwards."""
    if servers.management_url is None:
        yield servers.amqp_url
        return
    parts = urlsplit(servers.amqp_url)
    name = f"test-{uuid4().hex[:10]}"
    with httpx.Client(base_url=servers.management_url, timeout=10) as management:
        management.put(f"/api/vhosts/{name}").raise_for_status()
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        management.put(f"/api/permissions/{name}/{parts.username}", json=everything).raise_for_status()
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            management.delete(f"/api/vhosts/{name}").raise_for_status()


@pytest.fixture
def broker(servers: Servers) -> Iterator[str]:
    """An AMQP address on a vhost of the test's own."""
    with vhost(servers) as address:
        yield address
