"""The outbox relay: from committed rows to confirmed messages, against aio-pika alone with the same messages."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractQueue

from migrations.topology import declare
from shared.database.notifier import outbox_channel
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import broker, topology
from shared.messaging.broker import Outgoing
from shared.messaging.relay import Relay, outgoing
from shared.messaging.topology import EVENTS as EVENTS_EXCHANGE
from shared.observability.health import Health
from shared.tests.support import BINDINGS, emit_notes, own_schema
from tests.bench import salon
from tests.bench.figures import Figure, at_least, by_turns, compared
from tests.bench.stand import Bench

SERVICE = "shop"  # of the tests' own schema: one queue, one type of event
OUTSTANDING = 100
SECONDS = 120

# As many copies of the one row that emit() wrote, so that they are what a service would have written.
COPY = """
    INSERT INTO {schema}.outbox (event_id, type, subject, version, data, actor_id, actor_role, request_id, traceparent)
    SELECT gen_random_uuid(), type, subject, version, data, actor_id, actor_role, request_id, traceparent
    FROM {schema}.outbox, generate_series(2, {count})
"""


async def measure(bench: Bench) -> list[Figure]:
    count = bench.options.size(30_000, 1_000)
    with bench.vhost() as amqp_url:
        async with (
            own_schema(bench.own_servers) as database,
            salon.connected(database.url) as outbox,
            broker.connection(amqp_url, "bench") as connection,
        ):
            channel = await connection.channel()
            await declare(channel, BINDINGS)
            queue = await channel.get_queue(topology.events_queue(SERVICE))
            messages = await _messages(database, outbox, count)
            async with _relaying(database, amqp_url):

                async def relayed() -> float:
                    return await _relayed(database, outbox, queue, count)

                async def bare() -> float:
                    return await _published(channel, queue, messages)

                took = await by_turns(bench.options.runs, {"relay": relayed, "bare": bare})
    against = f"aio-pika, {OUTSTANDING} outstanding, no database"
    return [compared("relay", "messages/s", took["relay"], against, took["bare"], at_least(0.9))]


@asynccontextmanager
async def _relaying(database: Database, amqp_url: str) -> Any:
    health = Health()
    health.expect("relay")
    relay = asyncio.create_task(Relay(database, SERVICE, amqp_url, health).run())
    try:
        async with asyncio.timeout(30):
            while not health.ready and not relay.done():
                await asyncio.sleep(0.05)
        yield
        if relay.done():
            await relay
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def _fill(database: Database, count: int) -> None:
    """In one transaction, so that the relay sees all of them at once."""
    await emit_notes(database, 1)
    async with transaction(database, SERVICE_CLAIMS) as session:
        await (await session.connection()).exec_driver_sql(COPY.format(schema=database.schema, count=count))


async def _messages(database: Database, outbox: Any, count: int) -> Sequence[Outgoing]:
    await _fill(database, count)
    rows = await outbox.fetch(f"SELECT * FROM {database.schema}.outbox ORDER BY id LIMIT {count}")
    await outbox.execute(f"DELETE FROM {database.schema}.outbox")
    return [outgoing(SERVICE, row, None) for row in rows]


async def _relayed(database: Database, outbox: Any, queue: AbstractQueue, count: int) -> float:
    await _fill(database, count)
    began = time.perf_counter()
    await outbox.execute("SELECT pg_notify($1, '')", outbox_channel(database.schema))
    async with asyncio.timeout(SECONDS):
        while await outbox.fetchval(f"SELECT EXISTS (SELECT FROM {database.schema}.outbox)"):
            await asyncio.sleep(0.005)
    seconds = time.perf_counter() - began
    await queue.purge(timeout=60)
    return count / seconds


async def _published(channel: AbstractChannel, queue: AbstractQueue, messages: Sequence[Outgoing]) -> float:
    exchange = await channel.get_exchange(EVENTS_EXCHANGE)
    outstanding = asyncio.Semaphore(OUTSTANDING)

    async def publish(outgoing: Outgoing) -> None:
        message = aio_pika.Message(
            outgoing.body,
            message_id=outgoing.properties.message_id,
            type=outgoing.properties.message_type,
            content_type=outgoing.properties.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            await exchange.publish(message, outgoing.routing_key, mandatory=True, timeout=30)
        finally:
            outstanding.release()

    began = time.perf_counter()
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        for outgoing in messages:
            await outstanding.acquire()
            group.create_task(publish(outgoing))
    seconds = time.perf_counter() - began
    await queue.purge(timeout=60)
    return len(messages) / seconds
