"""The messages that failed for good or wait for a retry: reading them, and deleting those about erased people."""

from collections import Counter
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelNotFoundEntity

from shared.messaging import broker
from shared.messaging.subscriptions import UndecodableError, decode
from shared.messaging.topology import DELAYS, dead_queue, retry_queue

MOST_SWEPT = 100_000
TOO_OLD = "too old"
TIMEOUT = 10.0


class NoDeadLetterQueueError(LookupError):
    """The broker has no such queue, so no such service."""


@asynccontextmanager
async def open_queue(amqp_url: str, name: str) -> AsyncIterator[tuple[AbstractChannel, AbstractQueue]]:
    """Raises NoDeadLetterQueueError."""
    async with broker.connection(amqp_url, "dead letters") as connection:
        channel = await connection.channel()
        try:
            queue = await channel.declare_queue(name, passive=True, timeout=TIMEOUT)
        except ChannelNotFoundEntity as exc:
            raise NoDeadLetterQueueError(f"there is no queue {name}") from exc
        yield channel, queue


async def get_messages(queue: AbstractQueue, most: int) -> AsyncIterator[AbstractIncomingMessage]:
    """Up to `most` of the messages that are in the queue at the start. Those that are not acknowledged return to the
    queue when the channel closes."""
    waiting = queue.declaration_result.message_count or 0
    for _ in range(min(waiting, most)):
        message = await queue.get(fail=False, timeout=TIMEOUT)
        if message is None:
            return
        yield message


async def delete_about(amqp_url: str, service: str, subjects: Set[str], oldest: datetime) -> Counter[str]:
    """Deletes messages about these subjects, or that failed before `oldest`, from retry and dead-letter queues. Returns
    how many messages of each subject it deleted."""
    deleted: Counter[str] = Counter()
    for name in (dead_queue(service), *(retry_queue(service, delay) for delay in DELAYS)):
        with suppress(NoDeadLetterQueueError):
            async with open_queue(amqp_url, name) as (_, queue):
                async for message in get_messages(queue, MOST_SWEPT):
                    reason = _deletion_reason(message, subjects, oldest)
                    if reason:
                        await message.ack()
                        deleted[reason] += 1
    del deleted[TOO_OLD]
    return deleted


def _deletion_reason(message: AbstractIncomingMessage, subjects: Set[str], oldest: datetime) -> str | None:
    """The subject that the message is about, TOO_OLD, or None for a message that stays."""
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
