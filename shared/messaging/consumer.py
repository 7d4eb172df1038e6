"""The consumer: takes messages from the service's queue, retries those that fail, lays aside the hopeless."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog
from aio_pika.abc import AbstractChannel
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.common import FieldTable
from prometheus_client import Histogram
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.database.session import Database
from shared.messaging import broker, topology
from shared.messaging import queue_depth as depths
from shared.messaging.broker import PERSISTENT, BrokerAwayError, Outgoing, WireChannel
from shared.messaging.subscriptions import (
    MESSAGES,
    Received,
    Subscriptions,
    UndecodableError,
    decode,
    handle,
    handle_together,
)
from shared.messaging.topology import DELAYS, Bindings
from shared.observability.health import Health
from shared.observability.log import frames

__all__ = ["Consumer", "Received", "Subscriptions", "handle"]

log = structlog.get_logger(__name__)

PREFETCH = 256  # LANES times TOGETHER
TOGETHER = 32  # messages a transaction, when so many wait
LANES = 8  # fewer than the pool has connections, so that a backlog leaves some for requests
STOP_TIMEOUT = 10.0
BROKER_TIMEOUT = 10.0
MOST_DATABASE_FAILURES = 5
DATABASE_ERRORS = (
    OSError,
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
LOST_THE_RACE = ("40P01", "40001")  # deadlock, serialization: the other one went on, and this one may come again
RACE_PAUSE = 0.1  # seconds, at most
DATABASE_AWAY = ("08", "53", "57P", "25006", "28")  # connection, resources, shutdown, read-only, not let in

HANDLE_SECONDS = Histogram(
    "consumer_handle_seconds", "Handling what was taken at once, its commit included", ["service"]
)

Envelope = dict[str, Any] | UndecodableError
Lane = asyncio.Queue[tuple[DeliveredMessage, Envelope]]


class Consumer:
    """Takes messages from `<service>.events`. Those of one subject go through one lane, in order."""

    def __init__(
        self,
        database: Database,
        subscriptions: Subscriptions,
        service: str,
        amqp_url: str,
        health: Health,
        bindings: Bindings | None = None,
        delays: Sequence[int] = DELAYS,
        together: int = TOGETHER,
    ) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._service = service
        self._amqp_url = amqp_url
        self._health = health
        self._bindings = bindings
        self._delays = delays
        self._at_once = together
        self._lanes: list[Lane] = []
        self._under_way = 0
        self._handling = HANDLE_SECONDS.labels(service)

    async def run(self) -> None:
        """Until the connection is lost. When cancelled it first finishes what it was given, for up to 10 s."""
        async with broker.connection(self._amqp_url, f"{self._service} consumer") as connection:
            await self._declare(await connection.channel())
            channel = await broker.wide_wire(connection)
            await channel.basic_qos(prefetch_count=PREFETCH, timeout=BROKER_TIMEOUT)
            measuring = asyncio.create_task(depths.measure(connection, self._service, self._delays))
            try:
                await self._consume(channel)
            finally:
                measuring.cancel()
                await asyncio.gather(measuring, return_exceptions=True)

    async def _declare(self, channel: AbstractChannel) -> None:
        bindings = topology.load() if self._bindings is None else self._bindings
        await topology.declare(channel, {**bindings, self._service: self._subscriptions.types}, self._delays)

    async def _consume(self, channel: WireChannel) -> None:
        self._lanes, self._under_way = [asyncio.Queue() for _ in range(LANES)], 0
        work = [asyncio.create_task(self._work(lane, channel)) for lane in self._lanes]
        lost = asyncio.create_task(_lost(channel))
        try:
            queue = topology.events_queue(self._service)
            consuming = await channel.basic_consume(queue, self._receive, timeout=BROKER_TIMEOUT)
            self._health.up("consumer")
            try:
                done, _ = await asyncio.wait([lost, *work], return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                await self._finish(channel, str(consuming.consumer_tag))
                raise
            next(iter(done)).result()
        finally:
            for task in (lost, *work):
                task.cancel()
            await asyncio.gather(lost, *work, return_exceptions=True)

    async def _finish(self, channel: WireChannel, tag: str) -> None:
        with suppress(*broker.AWAY):
            async with asyncio.timeout(STOP_TIMEOUT):
                await channel.basic_cancel(tag, timeout=BROKER_TIMEOUT)
                await asyncio.gather(*(lane.join() for lane in self._lanes))

    async def _receive(self, message: DeliveredMessage) -> None:
        envelope = decode(message.body)
        subject = "" if isinstance(envelope, UndecodableError) else str(envelope.get("subject"))
        self._under_way += 1
        self._lanes[hash(subject) % LANES].put_nowait((message, envelope))  # no more than the prefetch can wait

    async def _work(self, lane: Lane, channel: WireChannel) -> None:
        while True:
            taken = [await lane.get()]
            while len(taken) < self._at_once and not lane.empty():
                taken.append(lane.get_nowait())
            if await self._settle_together(taken):
                await broker.acknowledge(channel, [message for message, _ in taken])
            else:
                for message, envelope in taken:
                    await self._settle(message, envelope, channel)
                    await broker.acknowledge(channel, [message])
            for _ in taken:
                lane.task_done()
            self._under_way -= len(taken)

    async def _settle_together(self, taken: Sequence[tuple[DeliveredMessage, Envelope]]) -> bool:
        """What waits, in one transaction. If that fails nothing was done, and each is to be settled by itself."""
        envelopes = [envelope for _, envelope in taken if not isinstance(envelope, UndecodableError)]
        if len(taken) == 1 or len(envelopes) < len(taken):
            return False
        try:
            with self._handling.time():
                return await handle_together(self._database, self._subscriptions, self._service, envelopes)
        except Exception as exc:  # noqa: BLE001 - one by one it will be found which of them it was
            log.info("messages_handled_one_by_one", count=len(taken), error=type(exc).__name__)
            return False

    async def _settle(self, message: DeliveredMessage, envelope: Envelope, channel: WireChannel) -> None:
        try:
            with self._handling.time():
                now = datetime.now(UTC)
                pushed = await self._push(message, envelope, channel, now)
                await self._handle_patiently(envelope, now, pushed=pushed)
        except UndecodableError as exc:
            await self._pass_on(channel, message, exc, topology.dead_queue(self._service))
        except Exception as exc:  # noqa: BLE001 - whatever a handler raises concerns its one message only
            await self._pass_on(channel, message, exc, self._next_queue(message))

    async def _push(self, message: DeliveredMessage, envelope: Envelope, channel: WireChannel, now: datetime) -> bool:
        """At once what follows from the event alone, unless that could overtake something or come twice."""
        if isinstance(envelope, UndecodableError) or message.redelivered or _attempts(message):
            return False
        if self._under_way > 1 or not self._database.notifier.quiet:
            return False
        pushes = self._subscriptions.live(envelope, now)
        return bool(pushes) and all(await broker.publish_all(channel, pushes))

    async def _handle_patiently(self, envelope: Envelope, now: datetime, *, pushed: bool) -> None:
        """Waits while the database is away: that is no fault of the message."""
        if isinstance(envelope, UndecodableError):
            raise envelope
        failures = 0
        while True:
            try:
                await handle(self._database, self._subscriptions, self._service, envelope, taken_at=now, pushed=pushed)
            except DATABASE_ERRORS as exc:
                failures += 1
                if failures > MOST_DATABASE_FAILURES:
                    raise
                if _state(exc) in LOST_THE_RACE:
                    await asyncio.sleep(random.uniform(0, RACE_PAUSE))  # noqa: S311 - so that they do not meet again
                elif database_is_away(exc):
                    await self._until_database_answers(exc)
                else:
                    raise
            else:
                return

    async def _until_database_answers(self, reason: Exception) -> None:
        failures = 0
        while True:
            failures += 1
            self._health.down("consumer", broker.brief(reason))
            await asyncio.sleep(broker.pause(failures))
            with suppress(*DATABASE_ERRORS):
                await self._database.call(text("SELECT 1"))
                self._health.up("consumer")
                return

    def _next_queue(self, message: DeliveredMessage) -> str:
        failed = _attempts(message)
        if failed < len(self._delays):
            return topology.retry_queue(self._service, self._delays[failed])
        return topology.dead_queue(self._service)

    async def _pass_on(self, channel: WireChannel, message: DeliveredMessage, error: Exception, queue: str) -> None:
        """The caller acknowledges the message only once the broker has confirmed its copy in `queue`."""
        dead = queue == topology.dead_queue(self._service)
        MESSAGES.labels(self._service, "dead" if dead else "retried").inc()
        report = log.error if dead else log.warning
        about = message.header.properties
        what = {"event_id": about.message_id, "type": about.message_type, "error": type(error).__name__}
        report("message_failed", queue=queue, **what, trace=frames(error))
        await broker.publish_surely(channel, _failed(message, error, queue))


async def _lost(channel: WireChannel) -> None:
    """Ends, with an error, when the channel closes or the broker takes the queue away."""
    gone = asyncio.get_running_loop().create_future()

    def take_away(_: Any) -> None:
        if not gone.done():
            gone.set_result(None)

    channel.on_consumer_cancel_callbacks.add(take_away)
    channel.closing.add_done_callback(take_away)
    await gone
    raise BrokerAwayError("the broker stopped delivering")


def database_is_away(error: Exception) -> bool:
    if isinstance(error, (OSError, PoolTimeout, asyncpg.InternalClientError)):  # the last: lost amid an answer
        return True
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or _state(error).startswith(DATABASE_AWAY)


def _state(error: Exception) -> str:
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def _headers(message: DeliveredMessage) -> FieldTable:
    return message.header.properties.headers or {}


def _attempts(message: DeliveredMessage) -> int:
    attempts = _headers(message).get("x-attempts")
    return attempts if isinstance(attempts, int) else 0


def _failed(message: DeliveredMessage, error: Exception, queue: str) -> Outgoing:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    # other headers stay behind: with its x-death the broker would take the second round of a message for a cycle
    headers: FieldTable = {
        "x-attempts": _attempts(message) + 1,
        "x-error": broker.brief(error),
        "x-first-failed-at": _headers(message).get("x-first-failed-at", now),
        "x-last-failed-at": now,
    }
    properties = message.header.properties
    kept = Basic.Properties(
        message_id=properties.message_id,
        message_type=properties.message_type,
        content_type=properties.content_type,
        headers=headers,
        delivery_mode=PERSISTENT,
    )
    return Outgoing("", queue, message.body, kept)
