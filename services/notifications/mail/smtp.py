"""The SMTP conversation with the mail server, and what its replies mean."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notifications.deliveries.failures import Failure, Refused, Unreachable

TIMEOUT = 10.0  # seconds, for each command
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    use_tls: bool
    start_tls: bool | None  # None: if the server offers STARTTLS
    timeout: float = TIMEOUT  # seconds

    @classmethod
    def from_url(cls, url: str) -> Self:
        """From `smtp://`, `smtp+starttls://` or `smtps://`, then `[user:password@]host[:port]`. Raises ValueError.

        Certificates are always verified, and a password is never sent without encryption.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("must be smtp://, smtp+starttls:// or smtps://[user:password@]host[:port]")
        required = parts.scheme == "smtp+starttls" or (parts.scheme == "smtp" and parts.username is not None)
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username is not None else None,
            password=unquote(parts.password) if parts.password is not None else None,
            use_tls=parts.scheme == "smtps",
            start_tls=False if parts.scheme == "smtps" else required or None,
        )

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Connects, and logs in if the URL names a user. Raises Unreachable."""
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.use_tls,
            start_tls=self.start_tls,
            timeout=self.timeout,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise Unreachable(_code_of(error)) from error
        try:
            yield client
        finally:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
            client.close()


async def send(client: aiosmtplib.SMTP, mail: EmailMessage) -> None:
    """Raises Refused if the server does not accept this mail, Unreachable if the connection was lost."""
    try:
        await client.send_message(mail)
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise Refused(_refusal(error.recipients[0].code)) from error
    except aiosmtplib.SMTPResponseException as error:
        raise Refused(_refusal(error.code)) from error
    except aiosmtplib.SMTPNotSupported as error:
        raise Refused(Failure("smtp_not_supported", permanent=True)) from error
    except ValueError as error:
        raise Refused(Failure("address_invalid", permanent=True)) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unreachable(_code_of(error)) from error


def _refusal(code: int) -> Failure:
    if code == 421:  # the server is closing the conversation
        return Failure("smtp_421", unreachable=True)
    return Failure(f"smtp_{code}", permanent=500 <= code < 600)


def _code_of(error: Exception) -> str:
    return f"smtp_{error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else "smtp_unreachable"
