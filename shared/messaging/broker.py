"""The broker: connecting to it, publishing with confirms, and keeping a connected worker alive."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aio_pika
import asyncpg
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import ChannelFrame, DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError
from pamqp.commands import Basic
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.observability.health import Health
from shared.observability.log import frames

log = structlog.get_logger(__name__)

WireChannel = Channel
WIDE_FRAMES = 2_000

CONNECT_TIMEOUT = 5.0
CONFIRM_TIMEOUT = 30.0
HEARTBEAT = 15
FIRST_PAUSE, LONGEST_PAUSE, SETTLED_AFTER = 0.1, 5.0, 10.0
PERSISTENT, TRANSIENT = 2, 1


class BrokerAwayError(ConnectionError):
    """No broker address answered, or the connection was lost."""


AWAY: tuple[type[Exception], ...] = (
    OSError,
    AMQPError,
    ChannelInvalidStateError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DBAPIError,
    PoolTimeout,
)
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
    """Connects to one of the comma-separated `urls`, in random order; the broker lists it as `name`."""
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
        except (OSError, AMQPError, RuntimeError, StopAsyncIteration) as exc:  # the last two: closed while it opened
            failure = exc
    raise BrokerAwayError(f"no broker answers: {brief(failure)}") from failure


async def wire(channel: AbstractChannel) -> WireChannel:
    """The channel below aio-pika's: a third less work for each message published."""
    return cast(WireChannel, await channel.get_underlay_channel())


async def wide_wire(connection: AbstractConnection) -> WireChannel:
    """A channel of its own that takes in as much as has come: others take ten frames, three messages, a turn of the
    event loop, and a busy consumer then waits for messages that lie in its socket."""
    await connection.ready()
    assert connection.transport is not None  # noqa: S101 - it is ready
    opened = connection.transport.connection.channel(frame_buffer_size=WIDE_FRAMES, timeout=CONNECT_TIMEOUT)
    return cast(WireChannel, await opened)


async def publish(channel: WireChannel, message: Outgoing) -> bool:
    """True once the broker has the message; False if it refused it or, being mandatory, no queue takes it."""
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
    """Publishes in order, all confirms outstanding at once; None: lost with the connection, or unanswered in 30 s."""
    tasks = [asyncio.create_task(publish(channel, message)) for message in messages]

    def give_up(_: Any) -> None:
        for task in tasks:
            task.cancel()

    channel.closing.add_done_callback(give_up)  # what it takes while it closes nobody else would tell of
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
    """Once what acknowledges all of them is on its way. Written at once, as each write is a call of the system."""
    tags = [message.delivery_tag for message in messages if message.delivery_tag is not None]
    *earlier, last = tags
    if earlier and not channel.is_closed:
        acks = [Basic.Ack(delivery_tag=tag) for tag in earlier]
        await channel.write_queue.put(ChannelFrame.marshall(channel.number, acks))
    await channel.basic_ack(last)


async def supervise(name: str, run: Callable[[], Awaitable[None]], health: Health) -> None:
    """Runs `run` for ever, again after each failure; `run` itself tells `health` once it is up."""
    loop = asyncio.get_running_loop()
    failures = 0
    try:
        while True:
            started = loop.time()
            reason = await _attempt(name, run)
            health.down(name, reason)
            failures = 1 if loop.time() - started > SETTLED_AFTER else failures + 1
            log.warning("worker_down", worker=name, reason=reason, failures=failures)
            await asyncio.sleep(pause(failures))
    finally:
        health.down(name, "stopped")


async def _attempt(name: str, run: Callable[[], Awaitable[None]]) -> str:
    task = asyncio.current_task()
    try:
        await run()
    except BaseExceptionGroup as group:  # a TaskGroup that fails leaves its task marked as being cancelled
        return _told(name, group.exceptions[0])
    except (Exception, asyncio.CancelledError) as exc:
        # aiormq cancels whoever waits on a connection that is lost, and closing a lost one may fail in the midst of
        # our being cancelled: so neither kind of exception tells whether this task is meant to end
        if task and task.cancelling():
            raise asyncio.CancelledError from exc
        return _told(name, exc)
    return "ended"


def _told(name: str, failure: BaseException) -> str:
    if isinstance(failure, ENDINGS):
        return brief(failure) if str(failure) else "connection lost"
    # a defect, or an unknown way to lose a connection: a worker that ended would be silent for good
    log.error("worker_failed", worker=name, error=type(failure).__name__, trace=frames(failure))
    return brief(failure)


def pause(failures: int) -> float:
    """Seconds to wait after the nth failure in a row: exponential, full jitter."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 16))
    return random.uniform(FIRST_PAUSE / 2, longest)  # noqa: S311 - spreads load, guards no secret


def brief(error: BaseException | None, limit: int = 200) -> str:
    """Class and first line of an error: no statement parameters, which may be personal."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    text = next(iter(str(cause).splitlines()), "")
    return f"{type(cause).__name__}: {text}"[:limit]
