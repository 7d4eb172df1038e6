"""SMS through a provider, to those who ask for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parseaddr

import httpx

from services.notifications.deliveries.queue import first_attempt_at, store
from services.notifications.dispatch.channels import Channel, Connection, Delivery
from services.notifications.rendering.texts import Names, words
from services.notifications.settings import NotificationsSettings
from services.notifications.sms.phone_numbers import international
from services.notifications.sms.provider import Provider, Text
from services.notifications.sms.providers import PROVIDERS

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class SmsConnection:
    client: httpx.AsyncClient
    provider: Provider
    sender: str
    salon: str
    app_url: str

    async def send(self, delivery: Delivery, names: Names) -> str:
        number = international(delivery["phone"])
        said = words(delivery, names, self.salon, self.app_url)
        reference = f"{delivery['id']}.{delivery['resends']}"
        text = Text(number, self.sender, said.short, reference, first_attempt_at(delivery))
        return await self.provider.send(self.client, text)


@dataclass(frozen=True)
class SmsTransport:
    provider: Provider
    sender: str
    salon: str
    app_url: str

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
            yield SmsConnection(client, self.provider, self.sender, self.salon, self.app_url)


def transport(settings: NotificationsSettings) -> SmsTransport | None:
    if settings.sms_provider == "none":
        return None
    made = PROVIDERS[settings.sms_provider](settings.sms_api_key.get_secret_value(), settings.sms_url)
    salon = parseaddr(settings.mail_from)[0] or settings.sms_from
    return SmsTransport(made, settings.sms_from, salon, settings.links_to)


CHANNEL = Channel("sms", store("sms"), outside=True, default=False, address="phone", transport=transport)
