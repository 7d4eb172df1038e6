"""Fixtures for the real PostgreSQL and RabbitMQ: the servers, and a vhost for each test that asks."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from provisioning.kept import kept
from provisioning.servers import Addresses, provisioned
from provisioning.state import digest
from shared.settings import Settings, plain_url
from shared.testing.types import DatabaseUrl as DatabaseUrl

ROOT = Path(__file__).parents[2]
# Tests on a server that is in use change nobody's roles, whatever the environment says: theirs are of this checkout.
os.environ["DATABASE_ROLE_PREFIX"] = f"test_{digest(ROOT)}"
SECRET_KEY = "test-secret-key-of-at-least-32-characters"  # noqa: S105 - of throw-away servers


@dataclass(frozen=True)
class Servers:
    database_url: str
    amqp_url: str
    management_url: str | None


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers in DATABASE_URL and AMQP_URL, else private ones: on CI for this run, elsewhere kept between runs."""
    given = os.environ.get("DATABASE_URL"), os.environ.get("AMQP_URL")
    if given[0] and given[1]:
        yield Servers(given[0], given[1], os.environ.get("AMQP_MANAGEMENT_URL"))
        return
    with _of_this_run() if os.environ.get("CI") else _kept() as addresses:
        yield Servers(addresses.database_url, addresses.amqp_url, addresses.amqp_management_url)


@contextmanager
def _of_this_run() -> Iterator[Addresses]:
    with tempfile.TemporaryDirectory(prefix="loctician-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the servers run as users of their own, and their data goes with the folder
        with provisioned(Path(folder), durable=False) as addresses:
            yield addresses


def _kept() -> AbstractContextManager[Addresses]:
    """Each worker has its own."""
    return kept(ROOT / ".local" / "test" / os.environ.get("PYTEST_XDIST_WORKER", "main"))


def settings_for(servers: Servers, database_url: str, **values: object) -> Settings:
    return Settings.model_validate(base_settings(servers, database_url) | values)


def secret_key() -> str:
    return os.environ.get("SECRET_KEY", SECRET_KEY)


def base_settings(servers: Servers, database_url: str) -> dict[str, object]:
    return {
        "environment": "test",
        "database_url": database_url,
        "amqp_url": servers.amqp_url,
        "secret_key": secret_key(),
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
