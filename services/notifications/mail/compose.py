"""A delivery as a mail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from email.utils import format_datetime, parseaddr
from typing import Any

from services.notifications.mail import invitations
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering.texts import Names, plain, words


class OneWord(UniqueUnstructuredHeader):
    """A long address: the usual header folds it into encoded words, which no program reads as an address (RFC 2369)."""

    def fold(self, *, policy: Policy) -> str:
        return f"List-Unsubscribe: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type("list-unsubscribe", OneWord)  # type: ignore[arg-type]
POLICY = default.clone(header_factory=HEADERS)


def compose(
    delivery: Mapping[str, Any],
    names: Names,
    sender: str,
    message_id: str,
    app_url: str,
    unsubscribe_url: str | None = None,
) -> EmailMessage:
    """Compose the mail of a delivery, which comes with its recipient's contact.

    `unsubscribe_url` switches off such mails (RFC 8058); None for those that cannot be switched off. Raises ValueError
    for an address that no mail can be sent to.
    """
    said = words(delivery, names, parseaddr(sender)[0] or parseaddr(sender)[1], app_url, unsubscribe_url)
    mail = EmailMessage(POLICY)
    mail["From"] = sender
    mail["To"] = _address(delivery["full_name"], delivery["email"])
    mail["Subject"] = said.subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    if unsubscribe_url is not None:
        mail["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(said.text)
    mail.add_alternative(said.html, subtype="html")
    if NOTIFICATION_TYPES[delivery["kind"]].invitation:
        invitations.attach(mail, invitations.calendar(delivery, names, sender, said.subject))
    mail["Content-Language"] = delivery["language"]  # last: earlier ones go to the first part of a multipart mail
    return mail


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(plain(name), addr_spec=f"{local}@{domain.encode('idna').decode()}")
