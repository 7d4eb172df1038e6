"""Sends deliveries: claims a batch in one transaction, sends outside of any, settles each delivery in its own."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence

from jinja2 import TemplateError
from prometheus_client import Counter, Gauge, Histogram

from domain.messages import unseal_message
from services.notifications.deliveries import queue
from services.notifications.deliveries.failures import Failure, Refused, Unreachable
from services.notifications.deliveries.queries import find_backlog
from services.notifications.deliveries.queue import BATCH, LEASE, SEALED, Batch
from services.notifications.dispatch.channels import Channel, Connection, Transport, channels
from services.notifications.names.service import Names
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rows import Row
from services.notifications.settings import NotificationsSettings
from services.notifications.workers import WorkerGroup, raise_if_cancelled, repeat
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.context import bind
from shared.observability.log import logger

# Seconds. Deliveries stored by this process wake a loop at once; polling finds those of other processes and retries.
POLL = 4.0
EXTRA_POLL = 20.0  # of all loops but the first of a channel
MEASURE_EVERY = 10.0
LOOPS_PER_CHANNEL = 3  # so that a slow connection does not hold up everything
SETTLE_TIME = 20.0  # part of the lease, for recording outcomes

log = logger(__name__)
ATTEMPTS = Counter(
    "notification_attempts_total",
    "Delivery attempts by outcome: sent, passing (to be retried), refused, unreachable",
    ["channel", "outcome"],
)
SECONDS = Histogram("notification_send_seconds", "Time to hand one message to the mail server or provider", ["channel"])
WAITING = Gauge("notification_deliveries_waiting", "Deliveries that are due and not yet sent", ["channel"])
LATE = Gauge("notification_oldest_due_seconds", "How long the oldest of them has been due", ["channel"])


async def run(runtime: Runtime) -> None:
    settings = NotificationsSettings.of(runtime.settings)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(measure(runtime.database), name="measure")
        for channel in channels().values():
            if channel.external:
                transport = channel.transport(settings)
                sender = Sender(runtime.database, channel, transport)
                for number in range(LOOPS_PER_CHANNEL):
                    poll = EXTRA_POLL if number or transport is None else POLL
                    loop = repeat(sender.send_due, poll, sender.loops)
                    tasks.create_task(loop, name=f"sender {channel.name} {number}")


async def measure(database: Database) -> None:
    while True:
        async with transaction(database, SERVICE_CLAIMS) as session:
            backlog = await find_backlog(session)
        for name in channels():
            waiting, late = backlog.get(name, (0, 0.0))
            WAITING.labels(name).set(waiting)
            LATE.labels(name).set(late)
        raise_if_cancelled()
        await asyncio.sleep(MEASURE_EVERY)


class Sender:
    """Sends the deliveries of one channel. Any number may run at once, also in other processes."""

    def __init__(self, database: Database, channel: Channel, transport: Transport | None) -> None:
        """Without a transport, deliveries fail with the code `channel_off`."""
        self._database = database
        self._channel = channel
        self._transport = transport
        self.loops = WorkerGroup()

    async def send_due(self) -> int:
        """Sends one batch. Returns how many deliveries were tried."""
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            batch = await queue.claim(session, self._channel.name, self._channel.address)
        if not batch.rows:
            return 0
        if len(batch.rows) == BATCH:
            self.loops.wake_up()  # there may be more
        if self._transport is None:
            await self._settle(batch.rows, Failure("channel_off", permanent=True))
            return len(batch.rows)
        return await self._send(batch, self._transport)

    async def _send(self, batch: Batch, transport: Transport) -> int:
        remaining = deque(batch.rows)
        try:
            async with asyncio.timeout(LEASE - SETTLE_TIME), transport.connect() as connection:
                while remaining:
                    await self._deliver(connection, remaining.popleft(), batch.names)
        except (Unreachable, TimeoutError) as error:
            failure = _unreachable(error)
            log.warning("transport_unreachable", channel=self._channel.name, error=failure.code)
            if len(remaining) == len(batch.rows):
                await self._settle(batch.rows, failure)
                remaining.clear()
                return 0
        finally:  # also when cancelled: deliveries not tried yet do not wait for the end of the lease
            await self._release(remaining)
        return len(batch.rows) - len(remaining)

    async def _deliver(self, connection: Connection, row: Row, names: Names) -> None:
        if NOTIFICATION_TYPES[row["kind"]].consent and await self._drop_without_consent(row):
            return
        message_id = None
        try:
            with SECONDS.labels(row["channel"]).time():
                message_id = await connection.send(self._unsealed(row), names)
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

    def _unsealed(self, row: Row) -> Row:
        """With the secrets that auth sealed for the mail. Raises LookupError if they cannot be opened."""
        keys, data = self._database.keys, row["data"]
        if keys is None or not SEALED & data.keys():
            return row
        opened = {name: unseal_message(keys, row["recipient_id"], data[name], "auth") for name in SEALED & data.keys()}
        if not all(opened.values()):
            raise LookupError("sealed with a key that is not known, or for somebody else")
        return {**row, "data": {**data, **opened}}

    async def _drop_without_consent(self, row: Row) -> bool:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            return await queue.drop_without_consent(session, row)

    async def _settle(self, rows: Sequence[Row], failure: Failure | None, message_id: str | None = None) -> None:
        for row in rows:
            ATTEMPTS.labels(row["channel"], failure.outcome if failure else "sent").inc()
            with bind(request_id=row["request_id"]):
                async with transaction(self._database, SERVICE_CLAIMS) as session:
                    await queue.settle(session, row, failure, message_id)

    async def _release(self, rows: Collection[Row]) -> None:
        if not rows:
            return
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            for row in rows:
                await queue.release(session, row)


def _unreachable(error: Exception) -> Failure:
    return Failure(str(error) or "too_slow", unreachable=True)
