"""The record of processing activities (GDPR Art. 30), from the marks on every service's columns."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.processing_records import inventory, purposes
from services.gdpr.retention_policies import service as policies
from services.gdpr.settings import GdprSettings

OURS = {
    "da": "Kunder, behandlere og ansatte i salonen",
    "en": "Customers, locticians and staff of the salon",
}
RECIPIENTS = {
    "da": "Udbyderne af mail og sms, når en besked sendes; ellers ingen uden for salonen",
    "en": "The providers of mail and text messages when one is sent; otherwise nobody outside the salon",
}
MEASURES = {
    "da": "Adgang efter rolle i både program og database (Row Level Security), kryptering, kædet hændelseslog, "
    "sletning efter faste frister",
    "en": "Access by role in program and database (Row Level Security), encryption, chained audit log, deletion after "
    "fixed periods",
}


async def record(session: AsyncSession, settings: GdprSettings, language: str) -> dict[str, Any]:
    kept = days_kept(await policies.listed(session))
    return {
        "controller": {"name": settings.controller_name, "contact": settings.controller_contact},
        "people": OURS[language],
        "recipients": RECIPIENTS[language],
        "measures": MEASURES[language],
        "activities": activities(kept, language),
    }


def days_kept(listed: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in listed:
        found.setdefault(one["service"], {})[one["policy"]] = one["keep_days"]
    return found


def activities(kept: Mapping[str, Mapping[str, int]], language: str) -> list[dict[str, Any]]:
    """A table and purpose each, with the columns that say something of people."""
    found: dict[tuple[str, str, str, str], dict[str, list[str]]] = {}
    for service, held in inventory.held().items():
        for table, told in held["tables"].items():
            for column, mark in told["columns"].items():
                if mark["personal"] != "none":
                    purpose, keep = (mark.get(name) or told.get(name) or "" for name in ("purpose", "keep"))
                    columns = found.setdefault((service, table, purpose, keep), {"personal": [], "pseudonymous": []})
                    columns.setdefault(mark["personal"], []).append(column)
    return [_activity(*key, columns, kept[key[0]], language) for key, columns in found.items()]


def _activity(
    service: str,
    table: str,
    purpose: str,
    keep: str,
    columns: Mapping[str, list[str]],
    kept: Mapping[str, int],
    language: str,
) -> dict[str, Any]:
    why = purposes.PURPOSES.get(purpose)
    return {
        "service": service,
        "table": table,
        "purpose": purpose,
        "purpose_text": why.text[language] if why else "",
        "legal_basis": why.basis if why else "",
        "keep": keep,
        "keep_text": purposes.kept(keep, kept, language),
        "personal": columns["personal"],
        "pseudonymous": columns["pseudonymous"],
    }
