"""Senders, one a channel: deliveries are claimed in one transaction, sent outside of any, settled each in another."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence

from jinja2 import TemplateError
from prometheus_client import Counter, Gauge, Histogram

from services.notifications.deliveries import queries
from services.notifications.deliveries import queue as deliveries
from services.notifications.deliveries.outcomes import Failure, Refused, Unreachable
from services.notifications.deliveries.queue import BATCH, LEASE, Batch
from services.notifications.dispatch.channels import Channel, Connection, Transport, channels
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering.texts import Names
from services.notifications.rows import Row
from services.notifications.settings import NotificationsSettings
from services.notifications.workers import WorkerGroup, obey_cancellation, repeat
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.context import bind
from shared.observability.log import logger

POLL = 4.0  # seconds, for what another process stored and for what is tried again; else the one who stores wakes
HELPERS_POLL = 20.0
MEASURE_EVERY = 10.0
AT_ONCE = 3  # conversations with the other side of a channel, so that one that dawdles holds up no others
MARGIN = 20.0  # of the lease, left for writing down what came of it

log = logger(__name__)
ATTEMPTS = Counter(
    "notification_attempts_total",
    "Attempts to deliver: sent, passing (tried again), refused, unreachable",
    ["channel", "outcome"],
)
SECONDS = Histogram("notification_send_seconds", "Handing one message to the other side", ["channel"])
WAITING = Gauge("notification_deliveries_waiting", "Deliveries due and not yet sent", ["channel"])
LATE = Gauge("notification_oldest_due_seconds", "How long the oldest of them has been due", ["channel"])


async def run(runtime: Runtime) -> None:
    settings = NotificationsSettings.of(runtime.settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(measure(runtime.database), name="measure")
        for channel in channels().values():
            if channel.outside:
                transport = channel.transport(settings)
                sender = Sender(runtime.database, channel, transport)
                for number in range(AT_ONCE):
                    poll = HELPERS_POLL if number or transport is None else POLL
                    sending = repeat(sender.send_due, poll, sender.team)
                    group.create_task(sending, name=f"sender {channel.name} {number}")


async def measure(database: Database) -> None:
    while True:
        async with transaction(database, SERVICE_CLAIMS) as session:
            backlog = await queries.backlog(session)
        for name in channels():
            waiting, late = backlog.get(name, (0, 0.0))
            WAITING.labels(name).set(waiting)
            LATE.labels(name).set(late)
        obey_cancellation()
        await asyncio.sleep(MEASURE_EVERY)


class Sender:
    """Any number may run at once, in this process or others: a delivery is claimed by one."""

    def __init__(self, database: Database, channel: Channel, transport: Transport | None) -> None:
        self._database = database
        self._channel = channel
        self._transport = transport
        self.team = WorkerGroup()

    async def send_due(self) -> int:
        """One batch. Returns how many deliveries were tried."""
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            batch = await deliveries.claim(session, self._channel.name, self._channel.address)
        if not batch.rows:
            return 0
        if len(batch.rows) == BATCH:
            self.team.wake()  # there may be more
        if self._transport is None:
            await self._settle(batch.rows, Failure("channel_off", permanent=True))
            return len(batch.rows)
        return await self._send(batch, self._transport)

    async def _send(self, batch: Batch, transport: Transport) -> int:
        waiting = deque(batch.rows)
        try:
            async with asyncio.timeout(LEASE - MARGIN), transport.connected() as connection:
                while waiting:
                    await self._deliver(connection, waiting.popleft(), batch.names)
        except (Unreachable, TimeoutError) as error:
            log.warning("transport_unreachable", channel=self._channel.name, error=_unreachable(error).code)
            if len(waiting) == len(batch.rows):
                await self._settle(batch.rows, _unreachable(error))
                waiting.clear()
                return 0
        finally:  # also when cancelled: what was not begun is not kept for the whole lease
            await self._release(waiting)
        return len(batch.rows) - len(waiting)

    async def _deliver(self, connection: Connection, row: Row, names: Names) -> None:
        if NOTIFICATION_TYPES[row["kind"]].consent and await self._withdrawn(row):
            return
        message_id = None
        try:
            with SECONDS.labels(row["channel"]).time():
                message_id = await connection.send(row, names)
        except Refused as error:
            failure: Failure | None = error.failure
        except (TemplateError, LookupError):
            failure = Failure("unmakeable", permanent=True)
        except Unreachable as error:
            await self._settle([row], _unreachable(error))
            raise
        else:
            failure = None
        await self._settle([row], failure, message_id)

    async def _withdrawn(self, row: Row) -> bool:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            return await deliveries.drop_without_consent(session, row)

    async def _settle(self, rows: Sequence[Row], failure: Failure | None, message_id: str | None = None) -> None:
        for row in rows:
            ATTEMPTS.labels(row["channel"], failure.outcome if failure else "sent").inc()
            with bind(request_id=row["request_id"]):
                async with transaction(self._database, SERVICE_CLAIMS) as session:
                    await deliveries.settle(session, row, failure, message_id)

    async def _release(self, rows: Collection[Row]) -> None:
        if not rows:
            return
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            for row in rows:
                await deliveries.release(session, row)


def _unreachable(error: Exception) -> Failure:
    return Failure(str(error) or "too_slow", unreachable=True)
