"""From a delivery to words: templates in the recipient's language, times in Europe/Copenhagen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from domain.clock import comes_twice, copenhagen
from domain.money import LOCALES, format_money
from services.notifications.rendering.labels import LABELS, Labels

FOLDER = Path(__file__).parents[1] / "templates"
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
BLANK_LINES = re.compile(r"\n[ \t]*(\n[ \t]*)+\n*")
LONGEST_NAME = 200
PATHS = {
    "verification": "account/verify-email#token=",
    "password_reset": "account/reset-password#token=",
    "export_ready": "",
}


@dataclass(frozen=True)
class Names:
    """What ids are called: treatments by language, people as they are, and the words of broadcasts."""

    treatments: Mapping[UUID, Mapping[str, str]] = field(default_factory=dict)
    locticians: Mapping[UUID, str] = field(default_factory=dict)
    customers: Mapping[UUID, str] = field(default_factory=dict)
    broadcasts: Mapping[UUID, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Words:
    subject: str
    text: str
    html: str
    short: str  # for an SMS


def _present(value: Any) -> Any:
    if value is None:
        raise UndefinedError("a value is None")
    return value


def _environment(*, markup: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=markup,  # noqa: S701 - text that is no markup is not escaped
        undefined=StrictUndefined,
        finalize=_present,
        trim_blocks=True,
        lstrip_blocks=True,
    )


PLAIN, MARKUP = _environment(markup=False), _environment(markup=True)


def plain(name: str) -> str:
    """One line without control or direction-changing characters, whatever somebody is called."""
    return UNPRINTABLE.sub(" ", name).strip()[:LONGEST_NAME]


def words(
    delivery: Mapping[str, Any], names: Names, salon: str, app_url: str, unsubscribe_url: str | None = None
) -> Words:
    """`unsubscribe_url`: where the recipient can switch off such messages.

    Raises TemplateError or LookupError rather than leave anything out.
    """
    language = delivery["language"]
    values = _values(delivery["data"], names, language) | {
        "recipient": plain(delivery["full_name"]),
        "salon": plain(salon),
        "part": delivery["part"],
    }
    values |= _link(delivery["kind"], delivery["data"], app_url)
    values["unsubscribe_url"] = unsubscribe_url or app_url  # in the app everything that may be switched off can be
    template = f"{language}/{delivery['kind']}.{delivery['part']}.j2"
    values["subject"] = _block(template, "subject", values)
    text = PLAIN.get_template(template).render(values | {"form": "txt"})
    return Words(
        subject=values["subject"],
        text=BLANK_LINES.sub("\n\n", text).strip() + "\n",
        html=MARKUP.get_template(template).render(values | {"form": "html"}).strip() + "\n",
        short=_short(template, values),
    )


def title(kind: str, part: str, data: Mapping[str, Any], language: str) -> str:
    """The subject of a mail, as the heading of the same notice in the app."""
    return _block(f"{language}/{kind}.{part}.j2", "subject", _values(data, Names(), language))


def _block(template: str, block: str, values: Mapping[str, Any]) -> str:
    found = PLAIN.get_template(template)
    written = "".join(found.blocks[block](found.new_context({**values, "form": "txt"})))
    return UNPRINTABLE.sub(" ", written).strip()


def _short(template: str, values: Mapping[str, Any]) -> str:
    said = _block(template, "subject", values)
    return f"{said}. {values['salon']}"


def _values(data: Mapping[str, Any], names: Names, language: str) -> dict[str, Any]:
    """What templates may use; a value that `data` does not tell is left out, so that using it is an error."""
    labels = LABELS[language]
    values: dict[str, Any] = {"language": language, "labels": labels}
    for name, key in (("when", "start"), ("expires", "expires_at"), ("at", "at")):
        if data.get(key):
            values[name] = written(instant(data[key]), labels.instant, language)
    if "items" in data:
        values["items"] = [_item(item, names, labels, language) for item in data["items"]]
    if "customer_id" in data:
        values["customer"] = plain(names.customers.get(UUID(data["customer_id"])) or labels.unknown_customer)
    elif data.get("walk_in"):
        values["customer"] = labels.unknown_customer
    if "price_amount" in data:
        values["price"] = format_money(data["price_amount"], language)
    return values | _broadcast(data, names, language)


def _broadcast(data: Mapping[str, Any], names: Names, language: str) -> dict[str, Any]:
    if "broadcast_id" not in data:
        return {}
    said = names.broadcasts[UUID(data["broadcast_id"])] if "title" not in data else data
    paragraphs = [plain_text(one) for one in said["body"][language].split("\n\n")]
    return {"title": plain(said["title"][language]), "paragraphs": [one for one in paragraphs if one]}


def plain_text(paragraph: str) -> str:
    return " ".join(UNPRINTABLE.sub(" ", paragraph).split())


def _item(item: Mapping[str, Any], names: Names, labels: Labels, language: str) -> dict[str, str]:
    called = names.treatments.get(UUID(item["treatment_id"]), {})
    start, end = instant(item["start"]), instant(item["end"])
    same_day = copenhagen(start).date() == copenhagen(end).date()
    until = written(end, labels.clock if same_day else labels.instant, language)
    return {
        "treatment": treatment(called, labels, language),
        "loctician": plain(names.locticians.get(UUID(item["loctician_id"])) or labels.unknown_loctician),
        "time": f"{written(start, labels.instant, language)}–{until}",
    }


def treatment(called: Mapping[str, str], labels: Labels, language: str) -> str:
    return plain(called.get(language) or called.get("da") or labels.unknown_treatment)


def _link(kind: str, data: Mapping[str, Any], app_url: str) -> dict[str, str]:
    """One-time tokens stand in the fragment, which browsers send to no server."""
    if kind not in PATHS:
        return {}
    path = PATHS[kind]
    secret = quote(data["token"], safe="") if path.endswith("=") else ""
    return {"link": f"{app_url.rstrip('/')}/{path}{secret}"}


def instant(stored: str) -> datetime:
    """As the JSON of a delivery or a notice has it."""
    return datetime.fromisoformat(stored)


def written(moment: datetime, pattern: str, language: str) -> str:
    """By the clock in Copenhagen; in the hour that comes twice also which of them is meant."""
    local = copenhagen(moment)
    said = format_datetime(local, pattern, locale=LOCALES[language])
    labels = LABELS[language]
    return f"{said} ({labels.summer_time if local.dst() else labels.winter_time})" if comes_twice(moment) else said
