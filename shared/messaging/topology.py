"""The names of the broker's exchanges and queues. `loctician migrate` declares them; services only check for them."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity

EVENTS = "loctician.events"
REALTIME = "loctician.realtime"
REVOCATIONS, REVOKED = "gateway.revocations", "session.revoked.v1"
MARKERS = "gateway.markers"
FEED_PREFIX = "gateway.feed."  # of the queues of the gateways
CONTRACTS = Path(__file__).parents[1] / "contracts"
TOPOLOGY = CONTRACTS / "topology.json"
PUBLISHERS = CONTRACTS / "publishers.json"
DELAYS = (1_000, 10_000, 60_000, 600_000)  # milliseconds

# Streams keep their messages, so that a process that starts later reads the earlier ones.
STREAMS: dict[str, tuple[str, ...]] = {REVOCATIONS: (REVOKED,)}

Bindings = Mapping[str, Sequence[str]]


def load(path: Path = TOPOLOGY) -> dict[str, list[str]]:
    """The event types that each service's queue receives."""
    bindings: dict[str, list[str]] = json.loads(path.read_text())
    return bindings


@cache
def publishers() -> dict[str, list[str]]:
    """The services that publish each event type."""
    published: dict[str, list[str]] = json.loads(PUBLISHERS.read_text())["types"]
    return published


@cache
def signed_types() -> frozenset[str]:
    return frozenset(json.loads(PUBLISHERS.read_text())["signed"])


@cache
def unsigned_roles() -> frozenset[str | None]:
    """Of the actor of an event. What anybody else did is signed, so that nobody writes it in their name."""
    return frozenset([None, *json.loads(PUBLISHERS.read_text())["unsigned_roles"]])


def types_of(service: str) -> list[str]:
    """The event types that the service publishes."""
    return sorted(type_ for type_, services in publishers().items() if service in services)


def events_queue(service: str) -> str:
    return f"{service}.events"


def retry_queue(service: str, delay: int) -> str:
    return f"{service}.retry.{delay_name(delay)}"


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def retries(service: str) -> str:
    """The exchange to the service's own queues, each by its name."""
    return f"{service}.retries"


def delay_name(milliseconds: int) -> str:
    for unit, size in (("m", 60_000), ("s", 1_000)):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


class NotDeclaredError(ConnectionError):
    """The broker is not prepared. It is tried again until it is."""


async def check(channel: AbstractChannel, queue: str = "") -> None:
    """Raises NotDeclaredError unless the exchange of events and the queue are there."""
    missing = EVENTS
    try:
        await channel.declare_exchange(EVENTS, passive=True)
        if queue:
            missing = queue
            await channel.declare_queue(missing, passive=True)
    except ChannelNotFoundEntity as error:
        raise NotDeclaredError(f"the broker has no {missing} yet: run `loctician migrate`") from error
