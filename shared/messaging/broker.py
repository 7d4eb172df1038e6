"""The broker: connections, publishing with confirms, and restarting workers that lose their connection."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import ChannelFrame, DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError
from pamqp.commands import Basic
from sqlalchemy.exc import DBAPIError

from shared.backoff import Backoff
from shared.database.errors import DATABASE_ERRORS
from shared.observability.health import Health
from shared.observability.log import frames

log = structlog.get_logger(__name__)

WireChannel = Channel
WIDE_FRAMES = 2_000

CONNECT_TIMEOUT = 5.0
CONFIRM_TIMEOUT = 30.0
HEARTBEAT = 15
SETTLED_AFTER = 10.0  # seconds of work after which failures are counted anew
RECONNECTING = Backoff(first=0.05, longest=2.5, spread=0.5)
PERSISTENT, TRANSIENT = 2, 1


class BrokerAwayError(ConnectionError):
    """No broker address answers, or the connection was lost."""


AWAY: tuple[type[Exception], ...] = (AMQPError, ChannelInvalidStateError, *DATABASE_ERRORS)
ENDINGS: tuple[type[BaseException], ...] = (*AWAY, asyncio.CancelledError)


@dataclass(frozen=True, slots=True)
class Outgoing:
    exchange: str
    routing_key: str
    body: bytes
    properties: Basic.Properties
    mandatory: bool = True


@asynccontextmanager
async def connection(urls: str, name: str) -> AsyncIterator[AbstractConnection]:
    """Connects to one of the comma-separated `urls`, in random order. `name` is shown in the broker's management UI."""
    opened = await _connect_to_any(urls, name)
    try:
        yield opened
    finally:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await opened.close()


async def _connect_to_any(urls: str, name: str) -> AbstractConnection:
    addresses = [url.strip() for url in urls.split(",") if url.strip()]
    failure: Exception | None = None
    for url in random.sample(addresses, len(addresses)):
        try:
            return await aio_pika.connect(
                url, timeout=CONNECT_TIMEOUT, heartbeat=HEARTBEAT, client_properties={"connection_name": name}
            )
        except (OSError, AMQPError, RuntimeError, StopAsyncIteration) as exc:  # the last two: closed while opening
            failure = exc
    raise BrokerAwayError(f"no broker answers: {brief(failure)}") from failure


async def wire(channel: AbstractChannel) -> WireChannel:
    """The channel below aio-pika's: publishing a message on it takes a third less processor time."""
    return cast(WireChannel, await channel.get_underlay_channel())


async def wide_wire(connection: AbstractConnection) -> WireChannel:
    """A channel that reads WIDE_FRAMES frames in a turn of the event loop. With the usual ten, or three messages, a
    busy consumer waits for messages that have already arrived at its socket."""
    await connection.ready()
    assert connection.transport is not None  # noqa: S101 - it is ready
    opened = connection.transport.connection.channel(frame_buffer_size=WIDE_FRAMES, timeout=CONNECT_TIMEOUT)
    return cast(WireChannel, await opened)


async def publish(channel: WireChannel, message: Outgoing) -> bool:
    """True once the broker has confirmed the message; False if it rejected it, or no queue takes a mandatory one."""
    try:
        answer = await channel.basic_publish(
            message.body,
            exchange=message.exchange,
            routing_key=message.routing_key,
            properties=message.properties,
            mandatory=message.mandatory,
            wait=False,
        )
    except DeliveryError:
        return False
    return isinstance(answer, Basic.Ack)


async def publish_all(channel: WireChannel, messages: Iterable[Outgoing]) -> list[bool | None]:
    """Publishes in order without waiting for single confirms. None: no confirm within 30 s, or connection lost."""
    tasks = [asyncio.create_task(publish(channel, message)) for message in messages]

    def give_up(_: Any) -> None:
        for task in tasks:
            task.cancel()

    # aiormq does not end calls that are made while the channel closes.
    channel.closing.add_done_callback(give_up)
    try:
        await asyncio.wait(tasks, timeout=CONFIRM_TIMEOUT)
    finally:
        channel.closing.remove_done_callback(give_up)
        give_up(None)
    return [_answer(task) for task in tasks]


def _answer(task: asyncio.Task[bool]) -> bool | None:
    if not task.done() or task.cancelled():
        return None
    failure = task.exception()
    if failure is None:
        return task.result()
    if isinstance(failure, AWAY):
        return None
    raise failure


async def publish_surely(channel: WireChannel, message: Outgoing) -> None:
    async with asyncio.timeout(CONFIRM_TIMEOUT):
        if not await publish(channel, message):
            raise BrokerAwayError(f"the broker did not take a message for {message.routing_key}")


async def acknowledge(channel: WireChannel, messages: Sequence[DeliveredMessage]) -> None:
    """Writes the acknowledgements of all messages at once, because each write is a system call."""
    tags = [message.delivery_tag for message in messages if message.delivery_tag is not None]
    *earlier, last = tags
    if earlier and not channel.is_closed:
        acks = [Basic.Ack(delivery_tag=tag) for tag in earlier]
        await channel.write_queue.put(ChannelFrame.marshall(channel.number, acks))
    await channel.basic_ack(last)


async def supervise(name: str, run: Callable[[], Awaitable[None]], health: Health) -> None:
    """Runs `run` for ever, and restarts it with backoff after each failure. `run` reports to `health` when it is up."""
    loop = asyncio.get_running_loop()
    failures = 0
    try:
        while True:
            started = loop.time()
            reason = await _attempt(name, run)
            health.down(name, reason)
            failures = 1 if loop.time() - started > SETTLED_AFTER else failures + 1
            log.warning("worker_down", worker=name, reason=reason, failures=failures)
            await asyncio.sleep(RECONNECTING.pause(failures))
    finally:
        health.down(name, "stopped")


async def _attempt(name: str, run: Callable[[], Awaitable[None]]) -> str:
    task = asyncio.current_task()
    try:
        await run()
    except BaseExceptionGroup as group:  # a failed TaskGroup leaves its task marked as cancelled
        return _reason(name, group.exceptions[0])
    except (Exception, asyncio.CancelledError) as exc:
        # aiormq cancels tasks that wait on a lost connection, and closing a lost connection can fail while this task is
        # being cancelled. So only cancelling() tells whether this task is to end.
        if task and task.cancelling():
            raise asyncio.CancelledError from exc
        return _reason(name, exc)
    return "ended"


def _reason(name: str, failure: BaseException) -> str:
    if isinstance(failure, ENDINGS):
        return brief(failure) if str(failure) else "connection lost"
    # A defect, or an unknown way to lose a connection. The worker must not end silently.
    log.error("worker_failed", worker=name, error=type(failure).__name__, trace=frames(failure))
    return brief(failure)


def brief(error: BaseException | None, limit: int = 200) -> str:
    """Class and first line of an error, without statement parameters, which may be personal data."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    text = next(iter(str(cause).splitlines()), "")
    return f"{type(cause).__name__}: {text}"[:limit]
