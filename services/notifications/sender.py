"""The sender: claims deliveries in one transaction, sends outside of any, settles each in another."""

import asyncio
import random
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from email.errors import MessageError
from email.utils import parseaddr

import aiosmtplib
from jinja2 import TemplateError
from prometheus_client import Counter, Histogram

from services.notifications import deliveries, mails
from services.notifications.deliveries import LEASE, WAKE, Batch
from services.notifications.mails import Names
from services.notifications.mailserver import Failure, MailServer, Refused, ServerAway, send
from services.notifications.queries import Row
from services.notifications.settings import NotificationsSettings
from shared.app import Runtime
from shared.auth import SERVICE_CLAIMS
from shared.context import bind
from shared.db import Database, transaction
from shared.log import logger

POLL = 1.0  # seconds
MARGIN = 20.0  # of the lease, left for writing down what came of it

log = logger(__name__)
ATTEMPTS = Counter("notification_attempts_total", "Attempts to deliver, by outcome", ["channel", "outcome"])
SECONDS = Histogram("notification_send_seconds", "Handing one mail to the server", ["channel"])


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    assert isinstance(settings, NotificationsSettings)  # noqa: S101 - narrows what the service itself named
    server = MailServer.from_url(settings.smtp_url.get_secret_value())
    await Sender(runtime.database, server, settings.mail_from).run()


class Sender:
    """Any number may run at once, in this process or others: a delivery is claimed by one."""

    def __init__(self, database: Database, server: MailServer, mail_from: str) -> None:
        self._database = database
        self._server = server
        self._mail_from = mail_from
        self._domain = parseaddr(mail_from)[1].rpartition("@")[2]

    async def run(self) -> None:
        while True:
            WAKE.clear()
            if not await self.send_due():
                await self._until_woken()

    async def _until_woken(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads load
                await WAKE.wait()

    async def send_due(self) -> int:
        """One batch. Returns how many mails were tried."""
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            batch = await deliveries.claim(session)
        return await self._send(batch) if batch.rows else 0

    async def _send(self, batch: Batch) -> int:
        waiting = deque(batch.rows)
        try:
            async with asyncio.timeout(LEASE - MARGIN), self._server.connected() as client:
                while waiting:
                    await self._deliver(client, waiting.popleft(), batch.names)
        except (ServerAway, TimeoutError) as error:
            log.warning("mail_server_away", error=str(error) or "slow")
            if len(waiting) == len(batch.rows):
                await self._settle(batch.rows, _unreachable(error))
                waiting.clear()
                return 0
        finally:  # also when cancelled: what was not begun is not kept for the whole lease
            await self._release(waiting)
        return len(batch.rows) - len(waiting)

    async def _deliver(self, client: aiosmtplib.SMTP, row: Row, names: Names) -> None:
        try:
            with SECONDS.labels(row["channel"]).time():
                failure = await self._try(client, row, names)
        except ServerAway as error:
            await self._settle([row], _unreachable(error))
            raise
        await self._settle([row], failure)

    async def _try(self, client: aiosmtplib.SMTP, row: Row, names: Names) -> Failure | None:
        try:
            await send(client, mails.compose(row, names, self._mail_from, self._message_id(row)))
        except Refused as error:
            return error.failure
        except (TemplateError, LookupError):
            return Failure("mail_unmakeable", permanent=True)
        except (ValueError, MessageError):
            return Failure("address_invalid", permanent=True)
        return None

    def _message_id(self, row: Row) -> str:
        """The same at each attempt, so that a mail sent twice after a crash is known as one."""
        return f"<{row['id']}.{row['resends']}@{self._domain}>"

    async def _settle(self, rows: Sequence[Row], failure: Failure | None) -> None:
        for row in rows:
            ATTEMPTS.labels(row["channel"], failure.code if failure else "sent").inc()
            with bind(request_id=row["request_id"]):
                async with transaction(self._database, SERVICE_CLAIMS) as session:
                    await deliveries.settle(session, row, failure, self._message_id(row))

    async def _release(self, rows: Collection[Row]) -> None:
        if not rows:
            return
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            for row in rows:
                await deliveries.release(session, row)


def _unreachable(error: Exception) -> Failure:
    return Failure(str(error) or "smtp_slow", unreachable=True)
