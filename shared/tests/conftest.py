"""A schema with what every service has, empty for each test, and a look at a broker with one service's queues."""

from collections.abc import AsyncIterator

import pytest

from shared.database.session import Database
from shared.testing.servers import Servers
from shared.tests.support import Queues, emptied, looking, own_schema


@pytest.fixture(scope="module")
async def place(servers: Servers) -> AsyncIterator[Database]:
    async with own_schema(servers) as made:
        yield made


@pytest.fixture
async def database(place: Database) -> Database:
    return await emptied(place)


@pytest.fixture
async def broker(broker: str) -> str:
    """Prepared for a service `shop`."""
    async with looking(broker) as made:
        await made.declare("shop")
    return broker


@pytest.fixture
async def queues(broker: str) -> AsyncIterator[Queues]:
    async with looking(broker) as made:
        yield made
