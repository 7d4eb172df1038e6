"""A real SMTP server in its own thread. It can refuse, be slow, drop the connection or be down."""

import asyncio
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from provisioning.processes import free_port

PARSER = BytesParser(policy=email.policy.default)


@dataclass
class SmtpServer:
    """`mails` is what was taken in full, also when the sender was then told nothing or something else."""

    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)
    sources: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuse_recipient: str | None = None
    refuse_mail: str | None = None
    hang_up: bool = False
    slow: float = 0.0
    smtputf8: bool = True  # offered from the next open() on
    _controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=self.smtputf8)
        self._controller.start()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse_mail:
            return self.refuse_mail
        parsed = PARSER.parsebytes(envelope.original_content or b"")
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.sources.append(envelope.original_content or b"")
        self.recipients.append(list(envelope.rcpt_tos))
        if self.hang_up:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        await asyncio.sleep(self.slow)
        return "250 Kept"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if address in str(mail["To"])]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@contextmanager
def running_smtp_server() -> Iterator[SmtpServer]:
    server = SmtpServer()
    server.open()
    try:
        yield server
    finally:
        server.close()
