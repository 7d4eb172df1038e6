"""How many messages wait in a service's queues, and how many rows in its outbox."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity
from prometheus_client import Gauge

from shared.messaging.topology import DELAYS, dead_queue, events_queue, retry_queue

TIMEOUT, MEASURE_EVERY = 10.0, 15.0  # seconds

MESSAGES = Gauge("queue_messages", "Messages ready in a queue", ["service", "queue"])


@dataclass(frozen=True)
class Depths:
    events: int
    retry: int  # in all retry queues together
    dead: int
    consumers: int


async def depths(connection: AbstractConnection, service: str, delays: Sequence[int] = DELAYS) -> Depths | None:
    """None if the service's queues were never declared."""
    channel = await connection.channel()
    try:
        events, consumers = await _count(channel, events_queue(service))
        retry = sum([(await _count(channel, retry_queue(service, delay)))[0] for delay in delays])
        dead, _ = await _count(channel, dead_queue(service))
    except ChannelNotFoundEntity:
        return None  # the broker has closed the channel
    await channel.close()
    return Depths(events, retry, dead, consumers)


async def _count(channel: AbstractChannel, queue: str) -> tuple[int, int]:
    declared = (await channel.declare_queue(queue, passive=True, timeout=TIMEOUT)).declaration_result
    return declared.message_count or 0, declared.consumer_count or 0


async def measure(connection: AbstractConnection, service: str, delays: Sequence[int]) -> None:
    """Updates the metrics of a service's queues until the connection is lost."""
    while True:
        measured = await depths(connection, service, delays)
        if measured is not None:
            for name, count in (("events", measured.events), ("retry", measured.retry), ("dead", measured.dead)):
                MESSAGES.labels(service, name).set(count)
        task = asyncio.current_task()
        if task and task.cancelling():  # the driver may have swallowed the cancellation
            raise asyncio.CancelledError
        await asyncio.sleep(MEASURE_EVERY)
