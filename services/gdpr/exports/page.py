"""Renders the page of an export that people read, in Danish or English."""

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
LABELS = {
    "da": {
        "title": "Oplysninger, vi har om dig",
        "intro": "Her er alle de oplysninger, salonen har gemt om dig. De samme oplysninger ligger i data.json, som "
        "andre programmer kan læse. Filen schema.json beskriver formatet.",
        "gathered": "Dato",
        "controller": "Dataansvarlig",
        "why": "Hvorfor og hvor længe vi gemmer dem",
        "data": "Oplysninger",
        "purpose": "Formål",
        "basis": "Retsgrundlag (GDPR art. 6)",
        "kept": "Gemmes",
        "nothing": "Ingen oplysninger.",
        "rights": "Du har ret til at få oplysninger rettet eller slettet, få behandlingen begrænset, gøre indsigelse "
        "og trække et samtykke tilbage. Du kan klage til Datatilsynet (datatilsynet.dk).",
    },
    "en": {
        "title": "What we hold about you",
        "intro": "This is all the data that the salon has stored about you. The same data is in data.json, for "
        "programs to read; schema.json describes the format.",
        "gathered": "Date",
        "controller": "Controller",
        "why": "Why and for how long we keep it",
        "data": "Data",
        "purpose": "Purpose",
        "basis": "Legal basis (GDPR Art. 6)",
        "kept": "Kept for",
        "nothing": "No data.",
        "rights": "You have the right to have data corrected or erased, to have processing restricted, to object and "
        "to withdraw consent. You can complain to the Danish Data Protection Agency (datatilsynet.dk).",
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
TIME_FORMATS = {"da": "%d.%m.%Y kl. %H.%M", "en": "%d/%m/%Y %H:%M"}


def render_page(
    services: Mapping[str, Any], gathered: datetime, activities: list[dict[str, Any]], controller: str, language: str
) -> str:
    """`services`: service -> table -> rows."""
    return TEMPLATES.get_template("export.html").render(
        language=language,
        labels=LABELS[language] | {"recipients": RECIPIENTS[language]},
        gathered=to_copenhagen(gathered).strftime(TIME_FORMATS[language]),
        controller=controller,
        activities=activities,
        services=[_service(name, tables, language) for name, tables in services.items()],
    )


def _service(name: str, tables: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        "title": SERVICES[language].get(name, name),
        "tables": [_table(title, value) for title, value in tables.items()],
    }


def _table(title: str, value: Any) -> dict[str, Any]:
    rows = [row for row in (value if isinstance(value, list) else [value]) if row]
    records = [row if isinstance(row, dict) else {"": row} for row in rows]
    columns = list(dict.fromkeys(name for record in records for name in record))
    cells = [[_cell(record.get(name)) for name in columns] for record in records]
    return {"title": _heading(title), "columns": [_heading(name) for name in columns], "rows": cells}


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
