"""Reads, replays and discards the messages in a service's dead-letter queue."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from pamqp.commands import Basic

from shared.messaging import broker
from shared.messaging.broker import PERSISTENT, Outgoing
from shared.messaging.dead_letters import read
from shared.messaging.topology import dead_queue, events_queue

MOST_AT_ONCE = 10_000


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
    """Selects the dead letters that meet every condition; without conditions, all of them."""

    id: str | None = None
    type: str | None = None
    error: str | None = None  # part of the error, case-insensitive
    since: datetime | None = None  # last failed at this time or later; with a time zone
    before: datetime | None = None

    def matches(self, letter: DeadLetter) -> bool:
        return (
            self.id in (None, letter.id)
            and self.type in (None, letter.type)
            and (self.error is None or self.error.lower() in letter.error.lower())
            and self._matches_time(letter)
        )

    def _matches_time(self, letter: DeadLetter) -> bool:
        if self.since is None and self.before is None:
            return True
        if letter.last_failed_at is None:
            return False
        failed = datetime.fromisoformat(letter.last_failed_at)
        return (self.since is None or failed >= self.since) and (self.before is None or failed < self.before)


ALL = Filter()


async def list_letters(amqp_url: str, service: str, limit: int = 100, wanted: Filter = ALL) -> list[DeadLetter]:
    """At most `limit` dead letters, oldest first; they stay in the queue. Raises NoDeadLetterQueueError and
    QueueInUseError, as the others do."""
    letters: list[DeadLetter] = []
    async with read(amqp_url, dead_queue(service)) as reader:
        async for message in reader.messages(MOST_AT_ONCE):
            letter = _dead_letter(message)
            if wanted.matches(letter):
                letters.append(letter)
            if len(letters) >= limit:
                break
    return letters


async def show(amqp_url: str, service: str, message_id: str) -> DeadLetter | None:
    letters = await list_letters(amqp_url, service, 1, Filter(id=message_id))
    return letters[0] if letters else None


async def replay(amqp_url: str, service: str, wanted: Filter = ALL) -> int:
    """Sends the dead letters that are there now to the service again, with no attempts counted. Returns how many."""

    async def resend(message: AbstractIncomingMessage, channel: AbstractChannel) -> None:
        await broker.publish_surely(await broker.wire(channel), _resent(message, service))

    return await _remove(amqp_url, service, wanted, resend)


async def discard(amqp_url: str, service: str, wanted: Filter = ALL) -> int:
    """Deletes the dead letters that are there now. Returns how many."""

    async def drop(message: AbstractIncomingMessage, channel: AbstractChannel) -> None:
        pass

    return await _remove(amqp_url, service, wanted, drop)


Work = Callable[[AbstractIncomingMessage, AbstractChannel], Awaitable[None]]


async def _remove(amqp_url: str, service: str, wanted: Filter, before: Work) -> int:
    """Of all dead letters those that are there at the start, however many; of a selection, from the first MOST_AT_ONCE,
    because those that stay return to the queue only at the end."""
    removed = seen = total = 0
    most = MOST_AT_ONCE
    while most > 0:
        async with read(amqp_url, dead_queue(service)) as reader:
            # All are taken before one is sent: it may fail and be in the queue again at once.
            messages = [message async for message in reader.messages(most)]
            for message in messages:
                if wanted.matches(_dead_letter(message)):
                    await before(message, reader.channel)
                    await message.ack()
                    removed += 1
        seen, total = seen + len(messages), total or reader.total
        most = min(MOST_AT_ONCE, total - seen) if messages and wanted == ALL else 0
    return removed


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


def _resent(message: AbstractIncomingMessage, service: str) -> Outgoing:
    properties = Basic.Properties(
        message_id=message.message_id,
        message_type=message.type,
        content_type=message.content_type,
        delivery_mode=PERSISTENT,
    )
    return Outgoing("", events_queue(service), message.body, properties)
