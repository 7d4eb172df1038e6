"""The consumer: inbox, a handler that writes one row, commit, acknowledge; against pgbench with the two inserts."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from pamqp.commands import Basic
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from migrations.topology import declare
from shared.database.session import Database
from shared.messaging import broker, topology
from shared.messaging.broker import PERSISTENT, Outgoing, WireChannel
from shared.messaging.consumer import LANES, PREFETCH, Consumer
from shared.messaging.events import envelope
from shared.messaging.subscriptions import Received, Subscriptions
from shared.messaging.topology import EVENTS as EVENTS_EXCHANGE
from shared.observability.health import Health
from shared.tests.support import BINDINGS, NotedHere, own_schema
from tests.bench import salon
from tests.bench.figures import Figure, at_least, by_turns, compared
from tests.bench.stand import Bench
from tests.bench.tools import pgbench

SERVICE, TYPE = "shop", "thing.noted.v1"
SECONDS = 180
BATCH = 1_000
ROW = "INSERT INTO {schema}.noted (thing_id, version, text) VALUES ({thing}, {version}, 'noted')"
TWO_INSERTS = """BEGIN;
INSERT INTO {schema}.inbox (event_id) VALUES (gen_random_uuid()) ON CONFLICT DO NOTHING RETURNING event_id;
{row};
COMMIT;
"""


async def measure(bench: Bench) -> list[Figure]:
    count = bench.options.size(15_000, 400)
    bench.folder.mkdir(parents=True, exist_ok=True)
    with bench.vhost() as amqp_url:
        async with (
            own_schema(bench.own_servers) as database,
            salon.connected(database.url) as watching,
            broker.connection(amqp_url, "bench") as connection,
        ):
            channel = await connection.channel()
            await declare(channel, BINDINGS)
            wire = await broker.wire(channel)
            script = bench.folder / "consumer.sql"
            row = ROW.format(schema=database.schema, thing="gen_random_uuid()", version=1)
            script.write_text(TWO_INSERTS.format(schema=database.schema, row=row))

            async def consumed() -> float:
                await _publish(wire, _messages(count))
                return await _consumed(database, amqp_url, watching, count)

            async def bare() -> float:
                await _publish(wire, _messages(count))
                return await _acknowledged(connection, count)

            alone = partial(_alone, database, script, bench.options.seconds)
            took = await by_turns(bench.options.runs, {"consumer": consumed, "sql": alone, "bare": bare})
    name, unit, ours = "consumer, one-row handler", "messages/s", took["consumer"]
    return [
        compared(name, unit, ours, f"pgbench, the same two inserts, {LANES} clients", took["sql"], at_least(0.3)),
        compared(name, unit, ours, "aio-pika, no database", took["bare"]),
    ]


async def _alone(database: Database, script: Path, seconds: int) -> float:
    return await pgbench(database.url, script, clients=LANES, seconds=seconds)


def _messages(count: int) -> list[Outgoing]:
    return [_message(number) for number in range(count)]


def _message(number: int) -> Outgoing:
    thing = uuid4()
    row: dict[str, Any] = {
        "event_id": uuid4(),
        "type": TYPE,
        "subject": str(thing),
        "version": number + 1,
        "occurred_at": salon.first_start(),
        "data": {"version": number + 1, "thing_id": str(thing), "text": "noted"},
        "actor_id": None,
        "actor_role": "service",
        "request_id": uuid4().hex,
        "traceparent": None,
    }
    properties = Basic.Properties(message_id=str(row["event_id"]), message_type=TYPE, delivery_mode=PERSISTENT)
    return Outgoing(EVENTS_EXCHANGE, TYPE, orjson.dumps(envelope("/services/bench", row)), properties)


async def _publish(channel: WireChannel, messages: Sequence[Outgoing]) -> None:
    for begin in range(0, len(messages), BATCH):
        answers = await broker.publish_all(channel, messages[begin : begin + BATCH])
        if not all(answers):
            raise RuntimeError("the broker did not take all messages")


def _subscriptions(schema: str) -> Subscriptions:
    subscriptions = Subscriptions()
    insert = text(ROW.format(schema=schema, thing=":thing", version=":version"))

    @subscriptions.on(TYPE, NotedHere)
    async def note(session: AsyncSession, event: Received[NotedHere]) -> None:
        await session.execute(insert, {"thing": event.data.thing_id, "version": event.version})

    return subscriptions


async def _acknowledged(connection: AbstractConnection, count: int) -> float:
    """All messages taken and acknowledged by aio-pika, with the consumer's prefetch."""
    channel = await connection.channel()
    await channel.set_qos(PREFETCH, timeout=SECONDS)
    queue = await channel.get_queue(topology.events_queue(SERVICE))
    done = asyncio.Event()
    left = count

    async def take(message: AbstractIncomingMessage) -> None:
        nonlocal left
        await message.ack()
        left -= 1
        if not left:
            done.set()

    began = time.perf_counter()
    await queue.consume(take, timeout=SECONDS)
    async with asyncio.timeout(SECONDS):
        await done.wait()
    seconds = time.perf_counter() - began
    await channel.close()
    return count / seconds


async def _consumed(database: Database, amqp_url: str, watching: Any, count: int) -> float:
    """From the consumer's being up, with all messages waiting for it, until the last is committed."""
    await watching.execute(f"DELETE FROM {database.schema}.noted")
    health = Health()
    health.expect("consumer")
    consumer = Consumer(database, _subscriptions(database.schema), SERVICE, amqp_url, health)
    running = asyncio.create_task(consumer.run())
    try:
        async with asyncio.timeout(SECONDS):
            while not health.ready and not running.done():
                await asyncio.sleep(0.002)
            began = time.perf_counter()
            while await watching.fetchval(f"SELECT count(*) FROM {database.schema}.noted") < count:
                await asyncio.sleep(0.05)
                if running.done():
                    await running
            return count / (time.perf_counter() - began)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
