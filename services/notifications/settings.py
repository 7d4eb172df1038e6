import re
from email.utils import parseaddr
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator
from pydantic_settings import NoDecode

from services.notifications.mail.smtp import MailServer
from shared.settings import Settings

MOST_HOURS = 14 * 24
QUIET = re.compile(r"(\d{1,2})-(\d{1,2})")


def _server(url: SecretStr) -> SecretStr:
    MailServer.from_url(url.get_secret_value())
    return url


def _address(value: str) -> str:
    name, address = parseaddr(value)
    if not address.partition("@")[2] or not (name + address).isprintable():
        raise ValueError('must be an address, such as "Salon <no-reply@example.com>"')
    return value


def _web(value: str | None) -> str | None:
    if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
        raise ValueError("must be an address that begins with http:// or https://")
    return value


def _hours(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _each_useful(hours: tuple[int, ...]) -> tuple[int, ...]:
    if len(hours) > 5 or any(not 1 <= one <= MOST_HOURS for one in hours):
        raise ValueError(f"must be up to five whole numbers of hours between 1 and {MOST_HOURS}, such as 24,2")
    return hours


def _quiet(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = QUIET.fullmatch(value.strip())
    if found is None or max(int(found[1]), int(found[2])) > 23:
        raise ValueError("must be two hours of the day, such as 21-8; the same twice for none")
    return int(found[1]), int(found[2])


class NotificationsSettings(Settings):
    smtp_url: Annotated[SecretStr, AfterValidator(_server)] = SecretStr("smtp://127.0.0.1:1025")
    mail_from: Annotated[str, AfterValidator(_address)] = "Loctician <no-reply@loctician.example>"
    app_url: Annotated[str | None, AfterValidator(_web)] = None
    sms_provider: Literal["none", "gatewayapi", "twilio"] = "none"
    sms_api_key: SecretStr = SecretStr("")
    sms_url: Annotated[str | None, AfterValidator(_web)] = None
    sms_from: str = "Loctician"
    reminder_hours: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_hours), AfterValidator(_each_useful)] = (
        24,
        2,
    )
    quiet_hours: Annotated[tuple[int, int], NoDecode, BeforeValidator(_quiet)] = (21, 8)

    @model_validator(mode="after")
    def refuse_sms_without_a_key(self) -> Self:
        key = self.sms_api_key.get_secret_value()
        if self.sms_provider != "none" and not key:
            raise ValueError("SMS_API_KEY must be set when SMS_PROVIDER is")
        if self.sms_provider == "twilio" and len(key.split(":")) != 2:
            raise ValueError("SMS_API_KEY must be <account SID>:<auth token> for twilio")
        return self

    @property
    def links_to(self) -> str:
        """Where links in mails lead."""
        return self.app_url or self.public_url

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The same settings, which the service itself has named so."""
        assert isinstance(settings, cls)  # noqa: S101 - narrows
        return settings
