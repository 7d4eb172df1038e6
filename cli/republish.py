"""`loctician republish`: sends the current state of everything to the queue of one service or subscriber.

The state goes from the database to the broker page by page, past the outbox: it is no news, and as rows of the outbox
it would delay the events that are (docs/adr/0061-republish-past-the-outbox.md).
"""

import asyncio
import fnmatch
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from cli import drift, subscribers
from cli.services import SERVICES, service_module
from domain.settings.production import OperatorSettings
from keys.services import ServiceKeys
from shared.database.session import Database, transaction
from shared.identity.derived_keys import keys_from
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import broker, relay, topology
from shared.messaging.broker import BrokerAwayError, Outgoing, WireChannel
from shared.messaging.dead_letters import NoDeadLetterQueueError, read
from shared.messaging.events import Event, new_id
from shared.messaging.queue_depth import TIMEOUT
from shared.settings import Settings, load

PAGE = 200  # entities read in a transaction
MOST_WAITING = 5_000  # messages in the queue: then its consumer is waited for
POLL = 0.5  # seconds
AWAY: tuple[type[Exception], ...] = (BrokerAwayError, TimeoutError, *broker.AWAY)
out = Console()

Page = Sequence[tuple[str, list[Event]]]
Reader = Callable[[AsyncSession, str | None, int, datetime | None], Awaitable[Page]]


@dataclass(frozen=True)
class Source:
    service: str
    name: str
    read: Reader

    @property
    def label(self) -> str:
        return f"{self.service}.{self.name}"


@dataclass(frozen=True)
class Wanted:
    """What is published: events of these types (patterns), of entities that changed since then, after this cursor."""

    types: Sequence[str] = ("*",)
    since: datetime | None = None
    after: str | None = None  # <source>:<key>, as an interrupted run names it

    def takes(self, type_: str) -> bool:
        return any(fnmatch.fnmatchcase(type_, pattern) for pattern in self.types)


class RunInterruptedError(RuntimeError):
    """The broker or database was lost. The run can continue after the cursor."""

    def __init__(self, cursor: str | None, cause: Exception) -> None:
        super().__init__(broker.brief(cause))
        self.cursor = cursor


def republish(
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="A service, or a subscriber that was added")],
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only events of these types: booking.*; default: all that the queue is bound to"),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only users and bookings that changed since then (UTC)")
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Continue an interrupted run after what it named last")
    ] = None,
) -> None:
    """Send the current state of users, catalog, bookings, hours and consents to one queue, and to no other.

    For a service it first finds what differs (loctician drift), so that the state replaces it whatever its version.
    Nobody is notified: the events are marked as republished. Can be repeated.
    """
    settings = load(OperatorSettings)
    if to in SERVICES:
        bound = [pattern.replace("#", "*") for pattern in topology.load().get(to, [])]
        for repaired, count in asyncio.run(drift.release(settings, to)).items():
            if count:
                out.print(f"{repaired}: {count} rows released", highlight=False)
    else:
        bound = types or subscribers.bound_types(to)
    wanted = Wanted(types or bound, since.replace(tzinfo=UTC) if since else None, after)
    publish(settings, wanted, topology.events_queue(to))


def publish(settings: Settings, wanted: Wanted, queue: str | None) -> None:
    """Publishes to one queue, or to everybody, and prints what was published."""
    try:
        counts = asyncio.run(publish_state(settings, wanted, queue))
    except RunInterruptedError as error:
        out.print(f"Interrupted: {error}", highlight=False, markup=False)
        if error.cursor:
            out.print(f"Continue with --after '{error.cursor}'", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    except NoDeadLetterQueueError as error:
        raise typer.BadParameter(str(error), param_hint="--to") from error
    for label, count in counts.items():
        out.print(f"{label}: {count} republished", highlight=False)


def sources() -> list[Source]:
    """In an order in which nothing refers to what comes later."""
    modules = {name: service_module(name, "republish") for name in SERVICES}
    return [
        Source(service, name, read)
        for service, module in modules.items()
        if module is not None
        for name, read in module.SOURCES.items()
    ]


async def publish_state(settings: Settings, wanted: Wanted, queue: str | None) -> dict[str, int]:
    """Publishes to one queue, or to everybody. Returns the number of events by source.

    Raises RunInterruptedError, and NoDeadLetterQueueError if there is no such queue.
    """
    counts: dict[str, int] = {}
    cursor = wanted.after
    try:
        async with _target(settings.amqp_url, queue) as send:
            for source, key in _remaining(wanted.after):
                counts[source.label] = 0
                async for key_read, events in _pages(settings, source, key, wanted.since):
                    chosen = [event for event in events if wanted.takes(event.type_)]
                    keys = keys_from(settings, source.service)
                    await send([_outgoing(source.service, event, keys) for event in chosen])
                    counts[source.label] += len(chosen)
                    cursor = f"{source.label}:{key_read}"
    except NoDeadLetterQueueError:
        raise
    except AWAY as error:
        raise RunInterruptedError(cursor, error) from error
    return counts


def _remaining(after: str | None) -> Iterable[tuple[Source, str | None]]:
    """The sources that are still to be read, each with the key to begin after."""
    every = sources()
    if after is None:
        return [(source, None) for source in every]
    label, _, key = after.partition(":")
    labels = [source.label for source in every]
    if label not in labels or not key:
        raise typer.BadParameter(f"the sources are {', '.join(labels)}", param_hint="--after")
    rest = every[labels.index(label) :]
    return [(source, key if source.label == label else None) for source in rest]


async def _pages(
    settings: Settings, source: Source, key: str | None, since: datetime | None
) -> AsyncIterator[tuple[str, list[Event]]]:
    """The last key and the events of each page. A page is one transaction."""
    database = Database.from_settings(settings, source.service)
    try:
        while True:
            async with transaction(database, SERVICE_CLAIMS) as session:
                page = await source.read(session, key, PAGE, since)
            if not page:
                return
            key = page[-1][0]
            yield key, [event for _, events in page for event in events]
    finally:
        await database.close()


def _outgoing(service: str, event: Event, keys: ServiceKeys) -> Outgoing:
    row: dict[str, Any] = {
        "exchange": topology.EVENTS,
        "event_id": new_id(),
        "type": event.type_,
        "subject": event.subject,
        "version": event.version,
        "occurred_at": datetime.now(UTC),
        "data": event.model_dump_json(),
        "actor_id": None,
        "actor_role": "service",
        "request_id": None,
        "traceparent": None,
        "republished": True,
    }
    return relay.outgoing(service, row, keys)


Send = Callable[[Sequence[Outgoing]], Awaitable[None]]


@asynccontextmanager
async def _target(amqp_url: str, queue: str | None) -> AsyncIterator[Send]:
    """Publishes with confirms: to the exchange for everybody, or through the default exchange to one queue."""
    if queue is None:
        async with broker.connection(amqp_url, "loctician republish") as connection:
            wire = await broker.wire(await connection.channel())

            async def send_to_all(messages: Sequence[Outgoing]) -> None:
                await _publish(wire, messages)

            yield send_to_all
        return
    async with read(amqp_url, queue) as reader:
        channel = reader.channel
        wire = await broker.wire(channel)

        async def send_to_queue(messages: Sequence[Outgoing]) -> None:
            while await _count(channel, queue) > MOST_WAITING:  # noqa: ASYNC110 - a queue tells nobody of its length
                await asyncio.sleep(POLL)
            await _publish(wire, [replace(message, exchange="", routing_key=queue) for message in messages])

        yield send_to_queue


async def _count(channel: Any, queue: str) -> int:
    declared = await channel.declare_queue(queue, passive=True, timeout=TIMEOUT)
    return declared.declaration_result.message_count or 0


async def _publish(wire: WireChannel, messages: Sequence[Outgoing]) -> None:
    if messages and not all(await broker.publish_all(wire, messages)):
        raise BrokerAwayError("the broker did not take every message")
