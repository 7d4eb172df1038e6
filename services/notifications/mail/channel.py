"""The channel "mail": text and HTML over SMTP, with an invitation if the mail is about an appointment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.errors import MessageError
from email.utils import parseaddr

import aiosmtplib

from services.notifications.bookings.links import BookingLinks
from services.notifications.deliveries.failures import Failure, Refused
from services.notifications.deliveries.queue import enqueue_for
from services.notifications.dispatch.channels import Channel, Connection, Delivery
from services.notifications.mail.compose import compose
from services.notifications.mail.smtp import MailServer, send
from services.notifications.names.service import Names
from services.notifications.rendering.texts import Links
from services.notifications.settings import NotificationsSettings
from services.notifications.unsubscribe.links import UnsubscribeLinks


@dataclass(frozen=True)
class MailConnection:
    client: aiosmtplib.SMTP
    sender: str
    app_url: str
    unsubscribe_links: UnsubscribeLinks
    booking_links: BookingLinks

    async def send(self, delivery: Delivery, names: Names) -> str:
        message_id = self._message_id(delivery)
        links = Links(
            self.unsubscribe_links.create(delivery),
            self.booking_links.create(delivery),
            self.booking_links.create_each(delivery),
            self.booking_links.create_offer(delivery),
        )
        try:
            mail = compose(delivery, names, self.sender, message_id, self.app_url, links)
        except (ValueError, MessageError) as error:
            raise Refused(Failure("address_invalid", permanent=True)) from error
        await send(self.client, mail)
        return message_id

    def _message_id(self, delivery: Delivery) -> str:
        """The same at each attempt, so that mail programs recognize a mail that is sent twice after a crash."""
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        return f"<{delivery['id']}.{delivery['resends']}@{domain}>"


@dataclass(frozen=True)
class MailTransport:
    server: MailServer
    sender: str
    app_url: str
    unsubscribe_links: UnsubscribeLinks
    booking_links: BookingLinks

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        async with self.server.connect() as client:
            yield MailConnection(client, self.sender, self.app_url, self.unsubscribe_links, self.booking_links)


def transport(settings: NotificationsSettings) -> MailTransport:
    server = MailServer.from_url(settings.smtp_url.get_secret_value())
    unsubscribe_links, booking_links = UnsubscribeLinks.of(settings), BookingLinks.of(settings)
    return MailTransport(server, settings.mail_from, settings.link_base, unsubscribe_links, booking_links)


CHANNEL = Channel("mail", enqueue_for("mail"), external=True, transport=transport)
