"""The providers to choose from, by the name in SMS_PROVIDER."""

from collections.abc import Callable, Mapping

from services.notifications.sms.gatewayapi import GatewayApi
from services.notifications.sms.provider import Provider
from services.notifications.sms.twilio import Twilio

PROVIDERS: Mapping[str, Callable[[str, str | None], Provider]] = {
    "gatewayapi": GatewayApi,
    "twilio": Twilio.from_key,
}
