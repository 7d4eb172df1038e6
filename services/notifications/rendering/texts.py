"""Renders a delivery to text, HTML and SMS in the recipient's language, with times in Europe/Copenhagen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from domain.dates import format_deadline, format_instant, format_span
from domain.money import format_money
from services.notifications.names.service import Names, Salon
from services.notifications.rendering import calendars
from services.notifications.rendering.labels import LABELS, Labels

FOLDER = Path(__file__).parents[1] / "templates"
# Control characters and those that change the direction of writing.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
BLANK_LINES = re.compile(r"\n[ \t]*(\n[ \t]*)+\n*")
LONGEST_NAME = 200
PATHS = {
    "verification": "account/verify-email#token=",
    "password_reset": "account/reset-password#token=",
    "invitation": "account/reset-password#token=",
    "email_change": "account/confirm-email#token=",
    "login_link": "sign-in/",
    "booking_link": "sign-in/",
    "waitlist_link": "sign-in/",
    "export_ready": "",
}


@dataclass(frozen=True)
class Texts:
    subject: str
    text: str
    html: str
    sms: str


def _refuse_none(value: Any) -> Any:
    if value is None:
        raise UndefinedError("a value is None")
    return value


def _environment(*, html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=html,  # noqa: S701 - plain text is not escaped
        undefined=StrictUndefined,
        finalize=_refuse_none,
        trim_blocks=True,
        lstrip_blocks=True,
    )


PLAIN, HTML = _environment(html=False), _environment(html=True)


@dataclass(frozen=True)
class Links:
    """Addresses that a message leads to; empty for those that it has not."""

    unsubscribe: str = ""
    booking: str = ""  # the page of the booking, which opens without signing in
    dates: Mapping[str, str] = field(default_factory=dict)  # of a series: the same by the booking's id
    offer: str = ""  # the page of an offer of the waitlist, likewise

    @property
    def calendar_file(self) -> str:
        return self.booking.replace("?", ".ics?", 1)


NO_LINKS = Links()


def render(
    delivery: Mapping[str, Any],
    names: Names,
    salon: str,
    app_url: str,
    links: Links = NO_LINKS,
    now: datetime | None = None,
) -> Texts:
    """Renders a delivery that comes with its recipient's contact. `salon`: the name to use until the salon has one.

    Without its own, the link to unsubscribe leads to the app. `now`: when the text is read as today; the present if it
    is left out. Raises TemplateError or LookupError if a value
    is missing, so that no message goes out with a gap.
    """
    language = delivery["language"]
    values = _values(delivery["data"], names, language, now) | {
        "recipient": single_line(delivery["full_name"]),
        "salon": single_line(names.salon.name or salon),
        "address": single_line(names.salon.address),
        "phone": single_line(names.salon.phone),
        "company": single_line(_company(names.salon)),
        "part": delivery["part"],
        "links": links,
        "unsubscribe_url": links.unsubscribe or app_url,
    }
    values |= _link(delivery["kind"], delivery["data"], app_url)
    if "message" in delivery["data"]:  # sealed, and empty for whom it is not meant
        opened = names.messages.get(delivery["booking_id"], "") if delivery["data"]["message"] else ""
        values["message"] = _single_paragraph(opened)
    template = f"{language}/{delivery['kind']}.{delivery['part']}.j2"
    subject = values["subject"] = _render_block(template, "subject", values)
    text = PLAIN.get_template(template).render(values | {"form": "txt"})
    return Texts(
        subject=subject,
        text=BLANK_LINES.sub("\n\n", text).strip() + "\n",
        html=HTML.get_template(template).render(values | {"form": "html"}).strip() + "\n",
        sms=_render_block(template, "sms", values)
        or f"{subject}. {values['salon']}{links.booking and ' ' + links.booking}",
    )


def _company(salon: Salon) -> str:
    """Who is behind the name, as it must stand on receipts: `Rodfæstet ApS, CVR 12345674`."""
    legal_name = "" if salon.legal_name == salon.name else salon.legal_name
    return ", ".join(filter(None, (legal_name, salon.cvr_number and f"CVR {salon.cvr_number}")))


def render_title(kind: str, part: str, data: Mapping[str, Any], language: str) -> str:
    """The title of a notice in the app: the subject of the same mail."""
    return _render_block(f"{language}/{kind}.{part}.j2", "subject", _values(data, Names(), language))


def _render_block(name: str, block: str, values: Mapping[str, Any]) -> str:
    """Empty if the template does not have the block."""
    template = PLAIN.get_template(name)
    if block not in template.blocks:
        return ""
    rendered = "".join(template.blocks[block](template.new_context({**values, "form": "txt"})))
    return UNPRINTABLE.sub(" ", rendered).strip()


def _values(data: Mapping[str, Any], names: Names, language: str, now: datetime | None = None) -> dict[str, Any]:
    """What templates may use. A value that `data` lacks is left out, so that using it is an error."""
    labels = LABELS[language]
    values: dict[str, Any] = {"language": language, "labels": labels}
    for name, key in (
        ("when", "start"),
        ("expires", "expires_at"),
        ("at", "occurred_at"),
        ("since", "first_failed_at"),
    ):
        if data.get(key):
            values[name] = format_instant(datetime.fromisoformat(data[key]), language)
    if data.get("expires_at"):
        deadline = datetime.fromisoformat(data["expires_at"])
        values["deadline"] = format_deadline(deadline, now or datetime.now(UTC), language)
    return values | (_confirmed if "code" in data else _appointment)(data, names, labels, language)


def _confirmed(data: Mapping[str, Any], names: Names, labels: Labels, language: str) -> dict[str, Any]:
    """Of a mail with a link that signs in: its code, and what it confirms, if anything. A loctician whom nobody has
    chosen is left out."""
    code, price = data["code"], data["price_amount"]
    span = [datetime.fromisoformat(time) for time in data["span"]]
    return {
        "code": f"{code[:3]} {code[3:]}",
        "items": [
            {
                "treatment": treatment_name(names.treatments.get(UUID(item["service_id"]), {}), labels, language),
                "loctician": single_line(names.locticians.get(UUID(chosen), "")) if chosen else "",
            }
            for item in data["items"]
            for chosen in (item["loctician_id"],)
        ],
        "span": format_span(span[0], span[1], language) if span else "",
        "price": "" if price is None else format_money(price, language),
    }


def _appointment(data: Mapping[str, Any], names: Names, labels: Labels, language: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "items" in data:
        values["items"] = [_item(item, names, labels, language) for item in data["items"]]
    if "previous" in data:
        values |= _changes(data, names, labels, language)
    values |= {name: data[name] for name in ("reason", "role") if name in data}
    if "customer_id" in data:
        values["customer"] = single_line(names.customers.get(UUID(data["customer_id"])) or labels.unknown_customer)
    elif data.get("walk_in"):
        values["customer"] = labels.unknown_customer
    if data.get("price_amount") is not None:
        values["price"] = format_money(data["price_amount"], language)
    if "import_id" in data:
        values |= calendars.values(data, single_line(data["name"]), language)
    return values | _broadcast(data, names, language)


def _broadcast(data: Mapping[str, Any], names: Names, language: str) -> dict[str, Any]:
    """A notice holds the text of the broadcast, a delivery only its id."""
    if "broadcast_id" not in data:
        return {}
    broadcast = data if "title" in data else names.broadcasts[UUID(data["broadcast_id"])]
    paragraphs = [_single_paragraph(paragraph) for paragraph in broadcast["body"][language].split("\n\n")]
    title = single_line(broadcast["title"][language])
    return {"title": title, "paragraphs": [paragraph for paragraph in paragraphs if paragraph]}


def _item(item: Mapping[str, Any], names: Names, labels: Labels, language: str) -> dict[str, str]:
    translations = names.treatments.get(UUID(item["service_id"]), {})
    start, end = datetime.fromisoformat(item["start"]), datetime.fromisoformat(item["end"])
    return {
        "treatment": treatment_name(translations, labels, language),
        "loctician": single_line(names.locticians.get(UUID(item["loctician_id"])) or labels.unknown_loctician),
        "time": format_span(start, end, language),
        "booking_id": item.get("booking_id", ""),
    }


def _changes(data: Mapping[str, Any], names: Names, labels: Labels, language: str) -> dict[str, Any]:
    """What has changed, and how it was before: `changed` has the codes, `earlier` lines of label and text."""
    previous, changed = data["previous"], data["previous"].get("changed", ())
    items = [_item(item, names, labels, language) for item in previous.get("items", ())]
    texts = {name: ", ".join(dict.fromkeys(item[name] for item in items)) for name in ("treatment", "loctician")}
    if previous.get("end"):
        start, end = (datetime.fromisoformat(previous[name]) for name in ("start", "end"))
        texts["time"] = format_span(start, end, language)
    elif previous.get("start"):
        texts["time"] = format_instant(datetime.fromisoformat(previous["start"]), language)
    earlier = [(labels.earlier[name], texts[name]) for name in changed if texts.get(name)]
    return {"changed": list(changed), "earlier": earlier}


def treatment_name(translations: Mapping[str, str], labels: Labels, language: str) -> str:
    return single_line(translations.get(language) or translations.get("da") or labels.unknown_treatment)


def single_line(name: str) -> str:
    """The name on one line, without unprintable characters, cut off at LONGEST_NAME."""
    return UNPRINTABLE.sub(" ", name).strip()[:LONGEST_NAME]


def _single_paragraph(text: str) -> str:
    return " ".join(UNPRINTABLE.sub(" ", text).split())


def _link(kind: str, data: Mapping[str, Any], app_url: str) -> dict[str, str]:
    """One-time tokens are in the fragment, which browsers send to no server, or name a page that needs no script."""
    if kind not in PATHS:
        return {}
    path = PATHS[kind]
    token = quote(data["token"], safe="") if path.endswith(("=", "/")) else ""
    return {"link": f"{app_url.rstrip('/')}/{path}{token}"}
