"""The messages that failed for good or wait for a retry: reading them, and deleting those about erased people."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelNotFoundEntity

from shared.backoff import jitter
from shared.messaging import broker
from shared.messaging.subscriptions import UndecodableError, decode
from shared.messaging.topology import DELAYS, dead_queue, retry_queue

MOST_SWEPT, TOO_OLD = 100_000, "too old"
TIMEOUT, IN_USE, PAUSE = 10.0, 60.0, 0.05  # seconds; the broker misses a lost reader after two heartbeats
UNSURE = 0.2  # seconds; the broker says 0 and 0 when a quorum queue does not answer it within 0.25 s


class NoDeadLetterQueueError(LookupError):
    """The broker has no such queue, so no such service."""


class QueueInUseError(ConnectionError):
    """Another program holds messages of the queue. Trying again helps once it has ended."""


@dataclass
class Reader:
    """Takes messages while nobody else has any. A quorum queue counts each message that somebody got as a consumer, so
    the first one taken keeps other readers out (docs/adr/0082)."""

    channel: AbstractChannel
    queue: AbstractQueue
    wait_seconds: float = IN_USE
    taken: list[AbstractIncomingMessage] = field(default_factory=list)
    total: int = 0  # messages in the queue when the first was taken

    async def messages(self, most: int) -> AsyncIterator[AbstractIncomingMessage]:
        """Up to `most`, to be acknowledged only after the last; the others stay. Raises QueueInUseError."""
        while len(self.taken) < most and await self._take():
            yield self.taken[-1]

    async def _take(self) -> bool:
        """False when no message is left."""
        deadline = time.monotonic() + self.wait_seconds
        while time.monotonic() < deadline:
            if self.taken or (await self._count())[1] == 0:
                message = await self.queue.get(fail=False, timeout=TIMEOUT)
                left, held = (0, 0) if message and self.taken else await self._count()
                if message is None and (left, held) == (0, len(self.taken)):
                    return False
                if message and (self.taken or held == 1):
                    self.total = self.total or left + 1
                    self.taken.append(message)
                    return True
                if message:
                    await message.nack()  # another reader has begun as well
            await asyncio.sleep(jitter(PAUSE, spread=1))
        raise QueueInUseError(f"another program holds messages of {self.queue.name}: try again when it has ended")

    async def _count(self) -> tuple[int, int | None]:
        """The messages that nobody has, and those that somebody has; None if that is not sure."""
        started = time.monotonic()
        result = (await self.channel.declare_queue(self.queue.name, passive=True, timeout=TIMEOUT)).declaration_result
        is_sure = result.consumer_count or time.monotonic() - started < UNSURE
        return result.message_count or 0, result.consumer_count if is_sure else None


@asynccontextmanager
async def read(amqp_url: str, name: str) -> AsyncIterator[Reader]:
    """Raises NoDeadLetterQueueError."""
    async with broker.connection(amqp_url, "dead letters") as connection:
        channel = await connection.channel()
        try:
            queue = await channel.declare_queue(name, passive=True, timeout=TIMEOUT)
        except ChannelNotFoundEntity as exc:
            raise NoDeadLetterQueueError(f"there is no queue {name}") from exc
        yield Reader(channel, queue)
        # RabbitMQ 4.3 does not count this towards the delivery limit, unlike the messages of a channel that closes.
        await (await broker.wire(channel)).basic_nack(0, multiple=True, requeue=True)


async def delete_about(amqp_url: str, service: str, subjects: Set[str], oldest: datetime) -> Counter[str]:
    """Deletes messages about these subjects, or that failed before `oldest`, from retry and dead-letter queues. Returns
    how many messages of each subject it deleted. Raises QueueInUseError."""
    deleted: Counter[str] = Counter()
    for name in (dead_queue(service), *(retry_queue(service, delay) for delay in DELAYS)):
        with suppress(NoDeadLetterQueueError):
            async with read(amqp_url, name) as reader:
                for message in [message async for message in reader.messages(MOST_SWEPT)]:
                    reason = _deletion_reason(message, subjects, oldest)
                    if reason:
                        await message.ack()
                        deleted[reason] += 1
    del deleted[TOO_OLD]
    return deleted


def _deletion_reason(message: AbstractIncomingMessage, subjects: Set[str], oldest: datetime) -> str | None:
    """The subject that the message is about, TOO_OLD, or None for a message that stays."""
    with suppress(ValueError):
        if datetime.fromisoformat(str(message.headers.get("x-last-failed-at"))).astimezone(UTC) < oldest:
            return TOO_OLD
    event = decode(message.body)
    if not isinstance(event, UndecodableError):
        subject = str(event.get("subject"))
        return subject if subject in subjects else None
    return next((subject for subject in subjects if subject.encode() in message.body), None)
