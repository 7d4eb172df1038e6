"""A delivery as a mail: text and HTML in the recipient's language, times in Europe/Copenhagen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime as mail_date
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from uuid import UUID

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.wording import LABELS, WORDINGS, Labels
from shared.schemas import LOCALES, copenhagen, format_money

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
LONGEST_NAME = 200


@dataclass(frozen=True)
class Names:
    """What ids are called: treatments by language, people as they are."""

    treatments: Mapping[UUID, Mapping[str, str]] = field(default_factory=dict)
    locticians: Mapping[UUID, str] = field(default_factory=dict)
    customers: Mapping[UUID, str] = field(default_factory=dict)


def plain(name: str) -> str:
    """One line without control or direction-changing characters, whatever somebody is called."""
    return UNPRINTABLE.sub(" ", name).strip()[:LONGEST_NAME]


def title(kind: str, part: str, start: datetime, language: str) -> str:
    """The subject of a mail, and the heading of the same notice in the app."""
    when = _written(start, LABELS[language].instant, language)
    return WORDINGS[language][kind, part].subject.format(when=when)


def compose(row: Mapping[str, Any], names: Names, mail_from: str, message_id: str) -> EmailMessage:
    """`row` is a delivery with its recipient's contact. Raises ValueError for an address no mail can go to."""
    language = row["language"]
    values = _values(row, names, language) | {"salon": parseaddr(mail_from)[0] or parseaddr(mail_from)[1]}
    mail = EmailMessage()
    mail["From"] = mail_from
    mail["To"] = _address(row["full_name"], row["email"])
    mail["Subject"] = values["subject"]
    mail["Date"] = mail_date(datetime.now(UTC))
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(TEMPLATES.get_template("booking.txt").render(values))
    mail.add_alternative(TEMPLATES.get_template("booking.html").render(values), subtype="html")
    mail["Content-Language"] = language  # last: a multipart mail hands its earlier Content headers to its first part
    return mail


def _values(row: Mapping[str, Any], names: Names, language: str) -> dict[str, Any]:
    labels, data = LABELS[language], row["data"]
    return {
        "language": language,
        "labels": labels,
        "part": row["part"],
        "subject": title(row["kind"], row["part"], instant(data["start"]), language),
        "intro": WORDINGS[language][row["kind"], row["part"]].intro,
        "recipient": plain(row["full_name"]),
        "customer": plain(names.customers.get(UUID(data["customer_id"])) or labels.unknown_customer),
        "items": [_item(item, names, labels, language) for item in data["items"]],
        "price": format_money(data["price_amount"], language),
    }


def _item(item: Mapping[str, Any], names: Names, labels: Labels, language: str) -> dict[str, str]:
    called = names.treatments.get(UUID(item["treatment_id"]), {})
    start = _written(instant(item["start"]), labels.instant, language)
    end = _written(instant(item["end"]), labels.clock, language)
    return {
        "treatment": plain(called.get(language) or called.get("da") or labels.unknown_treatment),
        "loctician": plain(names.locticians.get(UUID(item["loctician_id"])) or labels.unknown_loctician),
        "time": f"{start}–{end}",
    }


def instant(stored: str) -> datetime:
    """As the JSON of a delivery or a notice has it."""
    return datetime.fromisoformat(stored)


def _written(moment: datetime, pattern: str, language: str) -> str:
    return format_datetime(copenhagen(moment), pattern, locale=LOCALES[language])


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(plain(name), addr_spec=f"{local}@{domain.encode('idna').decode()}")
