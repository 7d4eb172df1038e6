"""The channel "sms": through a provider, to those who switch it on."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parseaddr

import httpx

from services.notifications.bookings.links import BookingLinks
from services.notifications.deliveries.queue import enqueue_for, first_attempt_at
from services.notifications.dispatch.channels import Channel, Connection, Delivery
from services.notifications.names.service import Names
from services.notifications.rendering.texts import Links, render
from services.notifications.settings import NotificationsSettings
from services.notifications.sms.gatewayapi import GatewayApi
from services.notifications.sms.phone_numbers import to_e164
from services.notifications.sms.provider import Provider, Sms
from services.notifications.sms.twilio import Twilio

TIMEOUT = 10.0  # seconds
PROVIDERS: Mapping[str, Callable[[str, str | None], Provider]] = {  # by SMS_PROVIDER; from SMS_API_KEY and SMS_URL
    "gatewayapi": GatewayApi,
    "twilio": Twilio.from_key,
}


@dataclass(frozen=True)
class SmsConnection:
    client: httpx.AsyncClient
    provider: Provider
    sender: str
    salon: str
    booking_links: BookingLinks

    async def send(self, delivery: Delivery, names: Names) -> str:
        number = to_e164(delivery["phone"])
        links = Links(booking=self.booking_links.create(delivery), offer=self.booking_links.create_offer(delivery))
        text = render(delivery, names, self.salon, self.booking_links.app_url, links).sms
        reference = f"{delivery['id']}.{delivery['resends']}"
        sms = Sms(number, self.sender, text, reference, first_attempt_at(delivery))
        return await self.provider.send(self.client, sms)


@dataclass(frozen=True)
class SmsTransport:
    provider: Provider
    sender: str
    salon: str
    booking_links: BookingLinks

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
            yield SmsConnection(client, self.provider, self.sender, self.salon, self.booking_links)


def transport(settings: NotificationsSettings) -> SmsTransport | None:
    if settings.sms_provider == "none":
        return None
    provider = PROVIDERS[settings.sms_provider](settings.sms_api_key.get_secret_value(), settings.sms_url)
    salon = parseaddr(settings.mail_from)[0] or settings.sms_from
    return SmsTransport(provider, settings.sms_from, salon, BookingLinks.of(settings))


CHANNEL = Channel("sms", enqueue_for("sms"), external=True, default=False, address="phone", transport=transport)
