from email.utils import parseaddr
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from services.notifications.mailserver import MailServer
from shared.settings import Settings


def _server(url: SecretStr) -> SecretStr:
    MailServer.from_url(url.get_secret_value())
    return url


def _address(value: str) -> str:
    name, address = parseaddr(value)
    if not address.partition("@")[2] or not (name + address).isprintable():
        raise ValueError('must be an address, such as "Salon <no-reply@example.com>"')
    return value


class NotificationsSettings(Settings):
    smtp_url: Annotated[SecretStr, AfterValidator(_server)] = SecretStr("smtp://127.0.0.1:1025")
    mail_from: Annotated[str, AfterValidator(_address)] = "Loctician <no-reply@loctician.example>"
