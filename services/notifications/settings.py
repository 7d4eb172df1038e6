"""The settings of notifications."""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from domain.settings.production import DeployableSettings, not_https, password_without_tls
from services.notifications.mail.smtp import MailServer
from shared.settings import Refusal, Settings

DEVELOPMENT_SERVER = "smtp://127.0.0.1:1025"
MOST_HOURS = 14 * 24
QUIET_HOURS = re.compile(r"(\d{1,2})-(\d{1,2})")


def _valid_smtp_url(url: SecretStr) -> SecretStr:
    MailServer.from_url(url.get_secret_value())
    return url


def unusable_server(url: SecretStr) -> str | None:
    if url.get_secret_value() == DEVELOPMENT_SERVER:
        return "must be set to a mail server, such as smtp+starttls://user:password@host,"
    return password_without_tls(url)


def _valid_mailbox(value: str) -> str:
    name, address = parseaddr(value)
    if not address.partition("@")[2] or not (name + address).isprintable():
        raise ValueError('must be an address, such as "Salon <no-reply@example.com>"')
    return value


def _valid_http_url(value: str | None) -> str | None:
    if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
        raise ValueError("must be a URL that begins with http:// or https://")
    return value


def _split_hours(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _valid_hours(hours: tuple[int, ...]) -> tuple[int, ...]:
    if len(hours) > 5 or any(not 1 <= hour <= MOST_HOURS for hour in hours):
        raise ValueError(f"must be up to five whole numbers of hours between 1 and {MOST_HOURS}, such as 24,2")
    return hours


def _parse_quiet_hours(value: object) -> object:
    if not isinstance(value, str):
        return value
    hours = QUIET_HOURS.fullmatch(value.strip())
    if hours is None or max(int(hours[1]), int(hours[2])) > 23:
        raise ValueError("must be two hours of the day, such as 21-8; the same hour twice for none")
    return int(hours[1]), int(hours[2])


ReminderHours = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_split_hours), AfterValidator(_valid_hours)]
QuietHours = Annotated[tuple[int, int], NoDecode, BeforeValidator(_parse_quiet_hours)]


class NotificationsSettings(DeployableSettings):
    service: ClassVar[str] = "notifications"
    refusals: ClassVar[Mapping[str, Refusal]] = {
        **DeployableSettings.refusals,
        "smtp_url": unusable_server,
        "sms_url": not_https,
    }

    smtp_url: Annotated[SecretStr, AfterValidator(_valid_smtp_url)] = SecretStr(DEVELOPMENT_SERVER)
    mail_from: Annotated[str, AfterValidator(_valid_mailbox)] = "Loctician <no-reply@loctician.example>"
    app_url: Annotated[str | None, AfterValidator(_valid_http_url)] = None
    sms_provider: Literal["none", "gatewayapi", "twilio"] = "none"
    sms_api_key: SecretStr = SecretStr("")
    sms_url: Annotated[str | None, AfterValidator(_valid_http_url)] = None
    sms_from: str = "Loctician"
    reminder_hours: ReminderHours = (24, 2)  # before the appointment
    quiet_hours: QuietHours = (21, 8)  # from hour to hour in Copenhagen, without reminders

    @field_validator("sms_api_key")
    @classmethod
    def check_sms_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key, provider = value.get_secret_value(), info.data.get("sms_provider", "none")
        if provider != "none" and not key:
            raise ValueError("must be set when SMS_PROVIDER is")
        if provider == "twilio" and len(key.split(":")) != 2:
            raise ValueError("must be <account SID>:<auth token> for twilio")
        return value

    @property
    def link_base(self) -> str:
        """The URL that the links in mails begin with."""
        return self.app_url or self.public_url

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The same settings as their own type, which the type checker cannot know."""
        assert isinstance(settings, cls)  # noqa: S101 - narrows
        return settings
