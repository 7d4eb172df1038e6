"""Composes the mail of a delivery: headers, text and HTML, invitation."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address, HeaderRegistry, UniqueSingleAddressHeader, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from email.utils import format_datetime, parseaddr
from typing import Any

from domain.email_addresses import ascii_domain
from services.notifications.deliveries.series import dates
from services.notifications.mail import invitations
from services.notifications.names.service import Names
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering.texts import NO_LINKS, Links, render, single_line

LONGEST_LINE = 78  # letters (RFC 5322, 2.1.1)


class UnfoldedHeader(UniqueUnstructuredHeader):
    """Python folds a long address into encoded words, which mail programs do not read as an address (RFC 2369)."""

    def fold(self, *, policy: Policy) -> str:
        return f"List-Unsubscribe: {self}{policy.linesep}"


class SubjectHeader(UniqueUnstructuredHeader):
    """Python doubles a space where it folds a line between plain and encoded words (RFC 5322, 2.2.3)."""

    def fold(self, *, policy: Policy) -> str:
        folded = Header(str(self), header_name="Subject").encode(linesep=policy.linesep)
        return f"Subject: {folded}{policy.linesep}"


class PersonHeader(UniqueSingleAddressHeader):
    """The same for the name before an address. The address stays on one line."""

    name: str  # of the field

    def fold(self, *, policy: Policy) -> str:
        person = self.address
        if not person.display_name:
            return f"{self.name}: {person.addr_spec}{policy.linesep}"
        if person.display_name.isascii():
            name = str(Address(person.display_name)).removesuffix("<>").rstrip()
        else:
            name = Header(person.display_name, header_name=self.name).encode(linesep=policy.linesep)
        line = f"{self.name}: {name} <{person.addr_spec}>"
        if len(line) > LONGEST_LINE or policy.linesep in name:
            line = f"{self.name}: {name}{policy.linesep} <{person.addr_spec}>"
        return line + policy.linesep


HEADERS = HeaderRegistry()
HEADERS.map_to_type("from", PersonHeader)  # type: ignore[arg-type]
HEADERS.map_to_type("to", PersonHeader)  # type: ignore[arg-type]
HEADERS.map_to_type("subject", SubjectHeader)  # type: ignore[arg-type]
HEADERS.map_to_type("list-unsubscribe", UnfoldedHeader)  # type: ignore[arg-type]
POLICY = default.clone(header_factory=HEADERS)


def compose(
    delivery: Mapping[str, Any],
    names: Names,
    sender: str,
    message_id: str,
    app_url: str,
    links: Links = NO_LINKS,
) -> EmailMessage:
    """Composes the mail of a delivery that comes with its recipient's contact.

    `links.unsubscribe` switches off such mails (RFC 8058); empty if they cannot be switched off. Raises ValueError for
    an address that no mail can be sent to.
    """
    salon, address = parseaddr(sender)
    texts = render(delivery, names, salon or address, app_url, links)
    mail = EmailMessage(POLICY)
    mail["From"] = sender
    mail["To"] = _recipient(delivery["full_name"], delivery["email"])
    mail["Subject"] = texts.subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    if links.unsubscribe:
        mail["List-Unsubscribe"] = f"<{links.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(texts.text)
    mail.add_alternative(texts.html, subtype="html")
    if dates(delivery["data"]):
        invitations.attach_each(mail, invitations.create_each(delivery, names, sender, texts.subject))
    elif NOTIFICATION_TYPES[delivery["kind"]].invitation:
        invitations.attach(mail, invitations.create(delivery, names, sender, texts.subject))
    mail["Content-Language"] = delivery["language"]  # last: earlier ones go to the first part of a multipart mail
    return mail


def _recipient(name: str, address: str) -> Address:
    """Raises ValueError. A local part that is not ASCII makes the mail one for servers with SMTPUTF8 (RFC 6531)."""
    local, _, domain = address.rpartition("@")
    ascii_form = ascii_domain(domain)
    if ascii_form is None or not local.isprintable():
        raise ValueError("no mail can be sent to this address")
    if local.isascii():
        return Address(single_line(name), addr_spec=f"{local}@{ascii_form}")
    return Address(single_line(name), username=local, domain=ascii_form)
