"""The messages a service gave up on: see them, send them again, or throw them away."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.commands import Basic

from shared.messaging import broker
from shared.messaging.broker import PERSISTENT, Outgoing
from shared.messaging.subscriptions import UndecodableError, decode
from shared.messaging.topology import DELAYS, dead_queue, events_queue, retry_queue

MOST_AT_ONCE = 10_000
MOST_SWEPT = 100_000
TOO_OLD = "too old"
TIMEOUT = 10.0


class NoDeadLetterQueueError(LookupError):
    """The broker knows no such service."""


@dataclass(frozen=True)
class DeadLetter:
    id: str
    type: str
    error: str
    attempts: int
    first_failed_at: str | None  # ISO 8601, UTC
    last_failed_at: str | None
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant: those that fit every condition given; all when none is."""

    id: str | None = None
    type: str | None = None
    error: str | None = None  # a part of it, in any case
    since: datetime | None = None  # last failed then or later; aware
    before: datetime | None = None

    def fits(self, letter: DeadLetter) -> bool:
        return (
            self.id in (None, letter.id)
            and self.type in (None, letter.type)
            and (self.error is None or self.error.lower() in letter.error.lower())
            and self._in_time(letter)
        )

    def _in_time(self, letter: DeadLetter) -> bool:
        if self.since is None and self.before is None:
            return True
        if letter.last_failed_at is None:
            return False
        failed = datetime.fromisoformat(letter.last_failed_at)
        return (self.since is None or failed >= self.since) and (self.before is None or failed < self.before)


ALL = Filter()


async def listing(amqp_url: str, service: str, limit: int = 100, wanted: Filter = ALL) -> list[DeadLetter]:
    """At most `limit` of them, oldest first; they stay where they are."""
    found: list[DeadLetter] = []
    async with _opened(amqp_url, service) as (_, queue):
        async for message in _taken(queue, wanted):
            found.append(_dead_letter(message))
            if len(found) >= limit:
                break
    return found


async def show(amqp_url: str, service: str, message_id: str) -> DeadLetter | None:
    found = await listing(amqp_url, service, 1, Filter(id=message_id))
    return found[0] if found else None


async def replay(amqp_url: str, service: str, wanted: Filter = ALL) -> int:
    """Sends those there are now to the service again, attempts counted anew. Returns how many."""
    async with _opened(amqp_url, service) as (channel, queue):
        publishing = await broker.wire(channel)
        count = 0
        async for message in _taken(queue, wanted):
            await broker.publish_surely(publishing, _again(message, service))
            await message.ack()
            count += 1
        return count


async def discard(amqp_url: str, service: str, wanted: Filter = ALL) -> int:
    """Deletes those there are now. Returns how many."""
    async with _opened(amqp_url, service) as (_, queue):
        count = 0
        async for message in _taken(queue, wanted):
            await message.ack()
            count += 1
        return count


async def forget(amqp_url: str, service: str, subjects: Set[str], oldest: datetime) -> Counter[str]:
    """Deletes what retry and dead-letter queues hold on these subjects, and what failed before `oldest`.

    Returns how many messages of each subject there were.
    """
    found: Counter[str] = Counter()
    for name in (dead_queue(service), *(retry_queue(service, delay) for delay in DELAYS)):
        with suppress(NoDeadLetterQueueError):
            async with _opened(amqp_url, service, name) as (_, queue):
                async for message in _taken(queue, ALL, MOST_SWEPT):
                    reason = _to_be_forgotten(message, subjects, oldest)
                    if reason:
                        await message.ack()
                        found[reason] += 1
    del found[TOO_OLD]
    return found


def _to_be_forgotten(message: AbstractIncomingMessage, subjects: Set[str], oldest: datetime) -> str | None:
    if _failed_at(message, default=oldest) < oldest:
        return TOO_OLD
    event = decode(message.body)
    if not isinstance(event, UndecodableError):
        subject = str(event.get("subject"))
        return subject if subject in subjects else None
    return next((subject for subject in subjects if subject.encode() in message.body), None)


def _failed_at(message: AbstractIncomingMessage, default: datetime) -> datetime:
    with suppress(ValueError):
        return datetime.fromisoformat(str(message.headers.get("x-last-failed-at"))).astimezone(UTC)
    return default


@asynccontextmanager
async def _opened(
    amqp_url: str, service: str, name: str | None = None
) -> AsyncIterator[tuple[AbstractChannel, AbstractQueue]]:
    wanted = name or dead_queue(service)
    async with broker.connection(amqp_url, "dead letters") as connection:
        channel = await connection.channel()
        try:
            queue = await channel.declare_queue(wanted, passive=True, timeout=TIMEOUT)
        except ChannelNotFoundEntity as exc:
            raise NoDeadLetterQueueError(f"there is no queue {wanted}") from exc
        yield channel, queue


async def _taken(
    queue: AbstractQueue, wanted: Filter, most: int = MOST_AT_ONCE
) -> AsyncIterator[AbstractIncomingMessage]:
    """The messages there at the start, not those that come back meanwhile. What is not acknowledged returns to
    the queue when the channel closes."""
    waiting = queue.declaration_result.message_count or 0
    for _ in range(min(waiting, most)):
        message = await queue.get(fail=False, timeout=TIMEOUT)
        if message is None:
            return
        if wanted.fits(_dead_letter(message)):
            yield message


def _dead_letter(message: AbstractIncomingMessage) -> DeadLetter:
    headers: Mapping[str, Any] = message.headers
    return DeadLetter(
        id=message.message_id or "",
        type=message.type or "",
        error=str(headers.get("x-error") or headers.get("x-first-death-reason") or "unknown"),
        attempts=int(headers.get("x-attempts") or 0),
        first_failed_at=headers.get("x-first-failed-at"),
        last_failed_at=headers.get("x-last-failed-at"),
        body=message.body,
    )


def _again(message: AbstractIncomingMessage, service: str) -> Outgoing:
    properties = Basic.Properties(
        message_id=message.message_id,
        message_type=message.type,
        content_type=message.content_type,
        delivery_mode=PERSISTENT,
    )
    return Outgoing("", events_queue(service), message.body, properties)
