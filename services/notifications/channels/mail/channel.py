"""Mail: text and HTML over SMTP, with an invitation where it concerns an appointment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.errors import MessageError
from email.utils import parseaddr

import aiosmtplib

from services.notifications.channels import Channel, Delivery, Line
from services.notifications.channels.mail import mails
from services.notifications.channels.mail.server import MailServer, send
from services.notifications.deliveries import store
from services.notifications.leaving import WayOut
from services.notifications.outcomes import Failure, Refused
from services.notifications.rendering import Names
from services.notifications.settings import NotificationsSettings


@dataclass(frozen=True)
class MailLine:
    client: aiosmtplib.SMTP
    sender: str
    app_url: str
    way_out: WayOut

    async def send(self, delivery: Delivery, names: Names) -> str:
        message_id = self._message_id(delivery)
        try:
            way_out = self.way_out.link(delivery)
            mail = mails.compose(delivery, names, self.sender, message_id, self.app_url, way_out)
        except (ValueError, MessageError) as error:
            raise Refused(Failure("address_invalid", permanent=True)) from error
        await send(self.client, mail)
        return message_id

    def _message_id(self, delivery: Delivery) -> str:
        """The same at each attempt, so that a mail sent twice after a crash is known as one."""
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        return f"<{delivery['id']}.{delivery['resends']}@{domain}>"


@dataclass(frozen=True)
class MailCarrier:
    server: MailServer
    sender: str
    app_url: str
    way_out: WayOut

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Line]:
        async with self.server.connected() as client:
            yield MailLine(client, self.sender, self.app_url, self.way_out)


def carrier(settings: NotificationsSettings) -> MailCarrier:
    server = MailServer.from_url(settings.smtp_url.get_secret_value())
    return MailCarrier(server, settings.mail_from, settings.links_to, WayOut.of(settings))


CHANNEL = Channel("mail", store("mail"), outside=True, carrier=carrier)
