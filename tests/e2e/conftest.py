import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from shared.testing.servers import Servers, as_owner, vhost, with_database
from tests.e2e.collector import Collector, collecting
from tests.e2e.stack import Stack, running


@asynccontextmanager
async def own_servers(servers: Servers) -> AsyncIterator[tuple[str, str]]:
    """The addresses of a database and a vhost of one's own."""
    name = f"test_stack_{uuid4().hex[:8]}"
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    try:
        with vhost(servers) as amqp_url:
            yield with_database(servers.database_url, name), amqp_url
    finally:
        await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def started(folder: Path, database_url: str, amqp_url: str, **through: str) -> AsyncIterator[Stack]:
    platform = running(folder, database_url, amqp_url, **through)
    stack = await asyncio.to_thread(platform.__enter__)
    try:
        yield stack
    finally:
        await asyncio.to_thread(platform.__exit__, None, None, None)


def own_logins(servers: Servers) -> dict[str, str]:
    """Has a stack make a broker login for each service, where the management API is known."""
    return {"AMQP_MANAGEMENT_URL": servers.management_url} if servers.management_url else {}


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
async def stack(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> AsyncIterator[Stack]:
    async with (
        own_servers(servers) as (database_url, amqp_url),
        started(
            tmp_path_factory.mktemp("stack"), database_url, amqp_url, **collector.environment, **own_logins(servers)
        ) as stack,
    ):
        await stack.ready()
        yield stack
