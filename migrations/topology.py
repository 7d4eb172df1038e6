"""Declares the broker's exchanges and queues, with the login of the operator."""

from collections.abc import Sequence
from typing import Any

from aio_pika.abc import AbstractChannel, ExchangeType

from shared.messaging.topology import (
    DELAYS,
    EVENTS,
    MARKERS,
    REALTIME,
    STREAMS,
    Bindings,
    dead_queue,
    events_queue,
    retries,
    retry_queue,
)

# RabbitMQ 4 drops a message that was returned 20 times, unless a queue sets another limit.
MOST_DELIVERIES = 1_000
MOST_READS = 1_000_000_000

KEPT = "26h"  # longer than the lifetime of an access token
SEGMENT_BYTES = 1_000_000  # RabbitMQ deletes old messages by whole segments


async def declare(channel: AbstractChannel, bindings: Bindings, delays: Sequence[int] = DELAYS) -> None:
    """Declares the queues of all services: an event must be kept for a consumer that has never run yet."""
    await declare_exchanges(channel)
    await declare_streams(channel)
    for service, types in bindings.items():
        await _declare_service(channel, service, types, delays)


async def declare_exchanges(channel: AbstractChannel) -> None:
    await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True)
    await channel.declare_exchange(REALTIME, ExchangeType.FANOUT, durable=True)
    await channel.declare_exchange(MARKERS, ExchangeType.DIRECT, durable=True)


async def declare_streams(channel: AbstractChannel) -> None:
    arguments: dict[str, Any] = {
        "x-queue-type": "stream",
        "x-max-age": KEPT,
        "x-stream-max-segment-size-bytes": SEGMENT_BYTES,
    }
    for name, types in STREAMS.items():
        queue = await channel.declare_queue(name, durable=True, arguments=arguments)
        for routing_key in types:
            await queue.bind(EVENTS, routing_key)
        await queue.bind(MARKERS, name)


async def _declare_service(channel: AbstractChannel, service: str, types: Sequence[str], delays: Sequence[int]) -> None:
    dead, events, exchange = dead_queue(service), events_queue(service), retries(service)
    await channel.declare_exchange(exchange, ExchangeType.DIRECT, durable=True)
    arguments = {dead: _quorum() | {"x-delivery-limit": MOST_READS}}
    for delay in delays:
        arguments[retry_queue(service, delay)] = _quorum() | _dead_lettered_to(events) | {"x-message-ttl": delay}
    arguments[events] = _quorum() | _dead_lettered_to(dead) | {"x-delivery-limit": MOST_DELIVERIES}
    for name, each in arguments.items():
        queue = await channel.declare_queue(name, durable=True, arguments=each)
        await queue.bind(exchange, name)
    for routing_key in types:
        await queue.bind(EVENTS, routing_key)


def _quorum() -> dict[str, Any]:
    return {"x-queue-type": "quorum"}


def _dead_lettered_to(queue: str) -> dict[str, Any]:
    """Inside the broker, by no login. The arguments of a queue that exists cannot be changed."""
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once requires it
    }
