"""The broker's exchanges and queues. Every process that publishes or consumes declares all of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aio_pika.abc import AbstractChannel, ExchangeType

EVENTS = "loctician.events"
REALTIME = "loctician.realtime"
REVOCATIONS = "gateway.revocations"
CONTRACTS = Path(__file__).parents[1] / "contracts"
TOPOLOGY = CONTRACTS / "topology.json"
DELAYS = (1_000, 10_000, 60_000, 600_000)  # milliseconds

# RabbitMQ 4 drops a message that was returned 20 times, unless a queue sets another limit.
MOST_DELIVERIES = 1_000
MOST_READS = 1_000_000_000

# Streams keep their messages, so that a process that starts later reads the earlier ones.
STREAMS: dict[str, tuple[str, ...]] = {REVOCATIONS: ("session.revoked.v1",)}
KEPT = "26h"  # longer than the lifetime of an access token
SEGMENT_BYTES = 1_000_000  # RabbitMQ deletes old messages by whole segments

Bindings = Mapping[str, Sequence[str]]


def load(path: Path = TOPOLOGY) -> dict[str, list[str]]:
    """The event types that each service's queue receives."""
    bindings: dict[str, list[str]] = json.loads(path.read_text())
    return bindings


def events_queue(service: str) -> str:
    return f"{service}.events"


def retry_queue(service: str, delay: int) -> str:
    return f"{service}.retry.{delay_name(delay)}"


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def delay_name(milliseconds: int) -> str:
    for unit, size in (("m", 60_000), ("s", 1_000)):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


async def declare(channel: AbstractChannel, bindings: Bindings, delays: Sequence[int] = DELAYS) -> None:
    """Declares the queues of all services: an event must be kept for a consumer that has never run yet."""
    await declare_exchanges(channel)
    await declare_streams(channel)
    for service, types in bindings.items():
        await _declare_service(channel, service, types, delays)


async def declare_exchanges(channel: AbstractChannel) -> None:
    await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True)
    await channel.declare_exchange(REALTIME, ExchangeType.FANOUT, durable=True)


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


async def _declare_service(channel: AbstractChannel, service: str, types: Sequence[str], delays: Sequence[int]) -> None:
    dead, events = dead_queue(service), events_queue(service)
    await channel.declare_queue(dead, durable=True, arguments=_quorum() | {"x-delivery-limit": MOST_READS})
    for delay in delays:
        arguments = _quorum() | _dead_lettered_to(events) | {"x-message-ttl": delay}
        await channel.declare_queue(retry_queue(service, delay), durable=True, arguments=arguments)
    arguments = _quorum() | _dead_lettered_to(dead) | {"x-delivery-limit": MOST_DELIVERIES}
    queue = await channel.declare_queue(events, durable=True, arguments=arguments)
    for routing_key in types:
        await queue.bind(EVENTS, routing_key)


def _quorum() -> dict[str, Any]:
    return {"x-queue-type": "quorum"}


def _dead_lettered_to(queue: str) -> dict[str, Any]:
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once requires it
    }
