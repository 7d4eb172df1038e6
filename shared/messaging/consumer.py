"""The consumer: handles the service's messages, retries them, and moves those that keep failing to the dead letters."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.common import FieldTable
from prometheus_client import Histogram
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.backoff import jitter
from shared.database.errors import DATABASE_ERRORS, sqlstate
from shared.database.session import Database
from shared.messaging import broker, provenance, queue_depth, topology
from shared.messaging.broker import PERSISTENT, BrokerAwayError, Outgoing, WireChannel
from shared.messaging.subscriptions import MESSAGES, Subscriptions, UndecodableError, decode, handle, handle_batch
from shared.messaging.topology import DELAYS
from shared.observability.health import Health
from shared.observability.log import frames

log = structlog.get_logger(__name__)

PREFETCH = 256  # LANES times BATCH_SIZE
BATCH_SIZE = 32  # most messages in one transaction
LANES = 8  # fewer than the pool's connections, so that a backlog leaves some for requests
STOP_TIMEOUT = BROKER_TIMEOUT = 10.0
MOST_DATABASE_FAILURES = 5
CONFLICTS = ("40P01", "40001")  # deadlock, serialization failure: the transaction can be tried again
CONFLICT_PAUSE = 0.05  # seconds on average
DATABASE_AWAY = ("08", "53", "57P", "25006", "28")  # connection, resources, shutdown, read-only, authorization

HANDLE_SECONDS = Histogram(
    "consumer_handle_seconds", "Seconds to handle a batch of messages, including the commit", ["service"]
)

Envelope = dict[str, Any] | UndecodableError
Lane = asyncio.Queue[tuple[DeliveredMessage, Envelope]]


@dataclass(eq=False)
class Consumer:
    """Handles messages from `<service>.events`. Messages of one subject go through one lane, in order."""

    database: Database
    subscriptions: Subscriptions
    service: str
    amqp_url: str
    health: Health
    delays: Sequence[int] = DELAYS
    batch_size: int = BATCH_SIZE
    _lanes: list[Lane] = field(init=False, default_factory=list)
    _unsettled: int = field(init=False, default=0)

    async def run(self) -> None:
        """Runs until the connection is lost. When cancelled, it first finishes the messages it has, for up to 10 s."""
        async with broker.connection(self.amqp_url, f"{self.service} consumer") as connection:
            await topology.check(await connection.channel(), topology.events_queue(self.service))
            channel = await broker.wide_wire(connection)
            await channel.basic_qos(prefetch_count=PREFETCH, timeout=BROKER_TIMEOUT)
            measuring = asyncio.create_task(queue_depth.measure(connection, self.service, self.delays))
            try:
                await self._consume(channel)
            finally:
                measuring.cancel()
                await asyncio.gather(measuring, return_exceptions=True)

    async def _consume(self, channel: WireChannel) -> None:
        self._lanes, self._unsettled = [asyncio.Queue() for _ in range(LANES)], 0
        work = [asyncio.create_task(self._work(lane, channel)) for lane in self._lanes]
        lost = asyncio.create_task(_wait_for_loss(channel))
        try:
            queue = topology.events_queue(self.service)
            consuming = await channel.basic_consume(queue, self._receive, timeout=BROKER_TIMEOUT)
            self.health.up("consumer")
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
        envelope = self._decoded(message)
        subject = "" if isinstance(envelope, UndecodableError) else str(envelope.get("subject"))
        self._unsettled += 1
        self._lanes[hash(subject) % LANES].put_nowait((message, envelope))  # the prefetch limits how many wait

    def _decoded(self, message: DeliveredMessage) -> Envelope:
        envelope = decode(message.body)
        try:
            if not isinstance(envelope, UndecodableError):
                provenance.check(self.database.keys, envelope, message.exchange or "", message.routing_key or "")
        except UndecodableError as error:
            return error
        return envelope

    async def _work(self, lane: Lane, channel: WireChannel) -> None:
        while True:
            batch = [await lane.get()]
            while len(batch) < self.batch_size and not lane.empty():
                batch.append(lane.get_nowait())
            if await self._settle_batch(batch):
                await broker.acknowledge(channel, [message for message, _ in batch])
            else:
                for message, envelope in batch:
                    await self._settle(message, envelope, channel)
                    await broker.acknowledge(channel, [message])
            for _ in batch:
                lane.task_done()
            self._unsettled -= len(batch)

    async def _settle_batch(self, batch: Sequence[tuple[DeliveredMessage, Envelope]]) -> bool:
        """Handles the batch in one transaction. If False, nothing was done, and each message is to be settled alone."""
        envelopes = [envelope for _, envelope in batch if not isinstance(envelope, UndecodableError)]
        if len(batch) == 1 or len(envelopes) < len(batch):
            return False
        try:
            with HANDLE_SECONDS.labels(self.service).time():
                return await handle_batch(self.database, self.subscriptions, self.service, envelopes)
        except Exception as exc:  # noqa: BLE001 - handling one by one will show which message fails
            log.info("messages_handled_one_by_one", count=len(batch), error=type(exc).__name__)
            return False

    async def _settle(self, message: DeliveredMessage, envelope: Envelope, channel: WireChannel) -> None:
        try:
            with HANDLE_SECONDS.labels(self.service).time():
                now = datetime.now(UTC)
                pushed = await self._push(message, envelope, channel, now)
                await self._handle_with_retries(envelope, now, pushed=pushed)
        except UndecodableError as exc:
            await self._move(channel, message, exc, topology.dead_queue(self.service))
        except Exception as exc:  # noqa: BLE001 - whatever a handler raises concerns this message only
            await self._move(channel, message, exc, self._next_queue(message))

    async def _push(self, message: DeliveredMessage, envelope: Envelope, channel: WireChannel, now: datetime) -> bool:
        """Sends the realtime messages of the event, unless they could overtake others or be sent twice."""
        if isinstance(envelope, UndecodableError) or message.redelivered or _attempts(message):
            return False
        if self._unsettled > 1 or not self.database.notifier.quiet:
            return False
        pushes = self.subscriptions.pushes(envelope, now)
        return bool(pushes) and all(await broker.publish_all(channel, pushes))

    async def _handle_with_retries(self, envelope: Envelope, now: datetime, *, pushed: bool) -> None:
        """Waits while the database is away, which is not counted as an attempt of the message."""
        if isinstance(envelope, UndecodableError):
            raise envelope
        failures = 0
        while True:
            try:
                await handle(self.database, self.subscriptions, self.service, envelope, taken_at=now, pushed=pushed)
            except DATABASE_ERRORS as exc:
                failures += 1
                if failures > MOST_DATABASE_FAILURES:
                    raise
                if sqlstate(exc) in CONFLICTS:
                    await asyncio.sleep(jitter(CONFLICT_PAUSE, spread=1))
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
            self.health.down("consumer", broker.brief(reason))
            await asyncio.sleep(broker.RECONNECTING.pause(failures))
            with suppress(*DATABASE_ERRORS):
                await self.database.call(text("SELECT 1"))
                self.health.up("consumer")
                return

    def _next_queue(self, message: DeliveredMessage) -> str:
        failed = _attempts(message)
        if failed < len(self.delays):
            return topology.retry_queue(self.service, self.delays[failed])
        return topology.dead_queue(self.service)

    async def _move(self, channel: WireChannel, message: DeliveredMessage, error: Exception, queue: str) -> None:
        """Publishes a copy to `queue` and waits for its confirm. The caller acknowledges the message afterwards."""
        dead = queue == topology.dead_queue(self.service)
        MESSAGES.labels(self.service, "dead" if dead else "retried").inc()
        report = log.error if dead else log.warning
        properties = message.header.properties
        about = {"event_id": properties.message_id, "type": properties.message_type, "error": type(error).__name__}
        report("message_failed", queue=queue, **about, trace=frames(error))
        await broker.publish_surely(channel, _failed_copy(message, error, topology.retries(self.service), queue))


async def _wait_for_loss(channel: WireChannel) -> None:
    """Raises BrokerAwayError when the channel closes or the broker cancels the consumer."""
    loss = asyncio.get_running_loop().create_future()

    def end(_: Any) -> None:
        if not loss.done():
            loss.set_result(None)

    channel.on_consumer_cancel_callbacks.add(end)
    channel.closing.add_done_callback(end)
    await loss
    raise BrokerAwayError("the broker stopped delivering")


def database_is_away(error: Exception) -> bool:
    if isinstance(error, (OSError, PoolTimeout, asyncpg.InternalClientError)):  # the last: lost while reading a result
        return True
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or sqlstate(error).startswith(DATABASE_AWAY)


def _headers(message: DeliveredMessage) -> FieldTable:
    return message.header.properties.headers or {}


def _attempts(message: DeliveredMessage) -> int:
    attempts = _headers(message).get("x-attempts")
    return attempts if isinstance(attempts, int) else 0


def _failed_copy(message: DeliveredMessage, error: Exception, exchange: str, queue: str) -> Outgoing:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    # Other headers are dropped: with x-death the broker would take a second round of retries for a cycle.
    headers: FieldTable = {
        "x-attempts": _attempts(message) + 1,
        "x-error": broker.brief(error),
        "x-first-failed-at": _headers(message).get("x-first-failed-at", now),
        "x-last-failed-at": now,
    }
    properties = message.header.properties
    copied = Basic.Properties(
        message_id=properties.message_id,
        message_type=properties.message_type,
        content_type=properties.content_type,
        headers=headers,
        delivery_mode=PERSISTENT,
    )
    return Outgoing(exchange, queue, message.body, copied)
