"""The page of an export that a person can read, in Danish or English."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.clock import to_copenhagen
from services.gdpr.processing_records.service import RECIPIENTS

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"), autoescape=True, undefined=StrictUndefined
)
WORDS = {
    "da": {
        "title": "Det, vi har om dig",
        "intro": "Her er alt, hvad salonen har gemt om dig. De samme oplysninger ligger i data.json, som et andet "
        "program kan læse; schema.json beskriver, hvordan.",
        "gathered": "Samlet",
        "controller": "Dataansvarlig",
        "why": "Hvorfor og hvor længe",
        "data": "Oplysninger",
        "purpose": "Formål",
        "basis": "Grundlag (GDPR art. 6)",
        "kept": "Gemmes",
        "nothing": "Ingenting.",
        "rights": "Du kan få oplysninger rettet eller slettet, få behandlingen begrænset, gøre indsigelse, trække et "
        "samtykke tilbage og klage til Datatilsynet (datatilsynet.dk).",
    },
    "en": {
        "title": "What we hold about you",
        "intro": "This is everything the salon has stored about you. The same is in data.json, for programs to read; "
        "schema.json describes how.",
        "gathered": "Gathered",
        "controller": "Controller",
        "why": "Why, and for how long",
        "data": "Data",
        "purpose": "Purpose",
        "basis": "Basis (GDPR Art. 6)",
        "kept": "Kept",
        "nothing": "Nothing.",
        "rights": "You can have data corrected or erased, have processing restricted, object, withdraw a consent, and "
        "complain to the Danish Data Protection Agency (datatilsynet.dk).",
    },
}
SERVICES = {
    "da": {
        "auth": "Konto og login",
        "booking": "Aftaler",
        "calendar": "Kalender",
        "notifications": "Beskeder",
        "gdpr": "Samtykker, anmodninger og hændelseslog",
    },
    "en": {
        "auth": "Account and login",
        "booking": "Appointments",
        "calendar": "Calendar",
        "notifications": "Messages",
        "gdpr": "Consents, requests and audit log",
    },
}
LOCALES = {"da": "%d.%m.%Y kl. %H.%M", "en": "%d/%m/%Y %H:%M"}


def page(
    held: Mapping[str, Any], gathered: datetime, activities: list[dict[str, Any]], controller: str, language: str
) -> str:
    return TEMPLATES.get_template("export.html").render(
        language=language,
        words=WORDS[language] | {"recipients": RECIPIENTS[language]},
        gathered=to_copenhagen(gathered).strftime(LOCALES[language]),
        controller=controller,
        activities=activities,
        services=[_service(name, content, language) for name, content in held.items()],
    )


def _service(name: str, content: Mapping[str, Any], language: str) -> dict[str, Any]:
    tables = [_table(title, value) for title, value in content.items()]
    return {"title": SERVICES[language].get(name, name), "tables": tables}


def _table(title: str, value: Any) -> dict[str, Any]:
    rows = [one for one in (value if isinstance(value, list) else [value]) if one]
    records = [row if isinstance(row, dict) else {"": row} for row in rows]
    columns = list(dict.fromkeys(name for record in records for name in record))
    cells = [[_cell(record.get(name)) for name in columns] for record in records]
    return {"title": _spelled(title), "columns": [_spelled(name) for name in columns], "rows": cells}


def _spelled(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
