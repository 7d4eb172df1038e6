"""SMS through a provider, to those who ask for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parseaddr

import httpx

from services.notifications.channels import Channel, Delivery, Line
from services.notifications.channels.sms.numbers import international
from services.notifications.channels.sms.provider import Provider, Text
from services.notifications.channels.sms.providers import PROVIDERS
from services.notifications.deliveries import store, tried_since
from services.notifications.rendering import Names, words
from services.notifications.settings import NotificationsSettings

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class SmsLine:
    client: httpx.AsyncClient
    provider: Provider
    sender: str
    salon: str
    app_url: str

    async def send(self, delivery: Delivery, names: Names) -> str:
        number = international(delivery["phone"])
        said = words(delivery, names, self.salon, self.app_url)
        reference = f"{delivery['id']}.{delivery['resends']}"
        text = Text(number, self.sender, said.short, reference, tried_since(delivery))
        return await self.provider.send(self.client, text)


@dataclass(frozen=True)
class SmsCarrier:
    provider: Provider
    sender: str
    salon: str
    app_url: str

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Line]:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
            yield SmsLine(client, self.provider, self.sender, self.salon, self.app_url)


def carrier(settings: NotificationsSettings) -> SmsCarrier | None:
    if settings.sms_provider == "none":
        return None
    made = PROVIDERS[settings.sms_provider](settings.sms_api_key.get_secret_value(), settings.sms_url)
    salon = parseaddr(settings.mail_from)[0] or settings.sms_from
    return SmsCarrier(made, settings.sms_from, salon, settings.links_to)


CHANNEL = Channel("sms", store("sms"), outside=True, default=False, address="phone", carrier=carrier)
