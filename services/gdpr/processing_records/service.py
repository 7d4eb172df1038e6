"""The record of processing activities (GDPR Art. 30), from the marks on every service's columns."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.processing_records import inventory
from services.gdpr.processing_records.purposes import PURPOSES, period_text
from services.gdpr.retention_policies.service import list_policies
from services.gdpr.settings import GdprSettings

DATA_SUBJECTS = {
    "da": "Kunder, behandlere og ansatte i salonen",
    "en": "Customers, locticians and staff of the salon",
}
RECIPIENTS = {
    "da": "Salonens leverandører af e-mail og sms, når en besked sendes. Ellers ingen uden for salonen",
    "en": "The salon's providers of e-mail and text messages when one is sent. Otherwise nobody outside the salon",
}
MEASURES = {
    "da": "Adgang efter rolle i både program og database (Row Level Security), kryptering, hændelseslog med hashkæde, "
    "sletning efter faste frister",
    "en": "Access by role in application and database (Row Level Security), encryption, audit log with a hash chain, "
    "deletion after fixed periods",
}
Periods = Mapping[str, Mapping[str, int]]  # service -> policy -> days
ActivityKey = tuple[str, str, str, str]  # service, table, purpose, keep


async def get_record(session: AsyncSession, settings: GdprSettings, language: str) -> dict[str, Any]:
    periods = days_kept(await list_policies(session))
    return {
        "controller": {"name": settings.controller_name, "contact": settings.controller_contact},
        "people": DATA_SUBJECTS[language],
        "recipients": RECIPIENTS[language],
        "measures": MEASURES[language],
        "activities": list_activities(periods, language),
    }


def days_kept(policies: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Service -> policy -> days."""
    periods: dict[str, dict[str, int]] = {}
    for policy in policies:
        periods.setdefault(policy["service"], {})[policy["policy"]] = policy["keep_days"]
    return periods


def list_activities(periods: Periods, language: str) -> list[dict[str, Any]]:
    """One for each table and purpose, with the columns that hold personal or pseudonymous data."""
    activities: dict[ActivityKey, dict[str, list[str]]] = {}
    for service, data in inventory.personal_data().items():
        for table, marks in data["tables"].items():
            for column, mark in marks["columns"].items():
                if mark["personal"] != "none":
                    purpose, keep = (mark.get(name) or marks.get(name) or "" for name in ("purpose", "keep"))
                    key = (service, table, purpose, keep)
                    columns = activities.setdefault(key, {"personal": [], "pseudonymous": []})
                    columns.setdefault(mark["personal"], []).append(column)
    return [_activity(key, columns, periods[key[0]], language) for key, columns in activities.items()]


def _activity(
    key: ActivityKey, columns: Mapping[str, list[str]], policies: Mapping[str, int], language: str
) -> dict[str, Any]:
    service, table, purpose_name, keep = key
    purpose = PURPOSES.get(purpose_name)
    return {
        "service": service,
        "table": table,
        "purpose": purpose_name,
        "purpose_text": purpose.text[language] if purpose else "",
        "legal_basis": purpose.legal_basis if purpose else "",
        "keep": keep,
        "keep_text": period_text(keep, policies, language),
        "personal": columns["personal"],
        "pseudonymous": columns["pseudonymous"],
    }
