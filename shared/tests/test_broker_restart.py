"""With a broker of its own, really stopped and started: what the proxies of the other tests cannot show."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from provisioning.processes import unprivileged
from provisioning.rabbitmq import rabbitmq, server_command
from provisioning.state import State
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Received, Subscriptions
from shared.observability.health import Health
from shared.testing.servers import Servers
from shared.testing.waiting import until
from shared.tests.support import NotedHere, count, emit_notes, looking, own_schema, running, supervised

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(server_command() is None, reason="needs RabbitMQ's own packages, to stop and start it"),
]


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with own_schema(servers) as made:
        yield made


@contextmanager
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loctician-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "rabbitmq").mkdir(mode=0o700)
        if user := unprivileged("rabbitmq"):
            os.chown(folder / "rabbitmq", user.pw_uid, user.pw_gid)
        yield folder


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[str]:
    """The same address each time: the ports are kept in the folder."""
    server = rabbitmq(folder, State(folder / "state.json"))
    amqp_url, _ = await asyncio.to_thread(server.__enter__)
    try:
        yield amqp_url
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


async def note(session: AsyncSession, event: Received[NotedHere]) -> None:
    await session.execute(text("INSERT INTO noted (version) VALUES (:version)"), {"version": event.version})


class TestRestart:
    async def test_events_of_an_outage_are_delivered_once_and_queues_keep_theirs(self, database: Database) -> None:
        subscriptions, health = Subscriptions(), Health()
        subscriptions.on("thing.noted.v1", NotedHere)(note)
        with home() as folder:
            async with started(folder) as amqp_url:
                async with looking(amqp_url) as queues:
                    await queues.declare("shop")
                relay = Relay(database, "shop", amqp_url, health)
                async with running(supervised("relay", relay.run, health)):
                    await emit_notes(database, 10)
                    await until(lambda: _waiting(database, 0))
            async with running(supervised("relay", relay.run, health)):
                await until(lambda: health.parts["relay"] not in (None, "stopped"))
                await emit_notes(database, 100, start=11)
                assert await count(database, "outbox") == 100
                async with started(folder):
                    consumer = Consumer(database, subscriptions, "shop", amqp_url, health)
                    async with running(supervised("consumer", consumer.run, health)):
                        await until(lambda: _waiting(database, 0))
                        await until(lambda: _noted(database, 110))
        async with transaction(database, SERVICE_CLAIMS) as session:
            versions = (await session.execute(text("SELECT version FROM noted ORDER BY version"))).scalars()
            assert list(versions) == list(range(1, 111))


async def _waiting(database: Database, number: int) -> bool:
    return await count(database, "outbox") == number


async def _noted(database: Database, number: int) -> bool:
    return await count(database, "noted") >= number
