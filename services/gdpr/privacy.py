"""Exports and erases what gdpr holds on one person."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import queries as audit_queries
from services.gdpr.audit.audit_fields import only_about
from services.gdpr.consents import queries as consent_queries
from services.gdpr.data_subject_requests import queries as request_queries
from services.gdpr.exports import queries as export_queries
from services.gdpr.people import queries as people_queries

MAX_ROWS = 50_000


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    person = await people_queries.find_person(session, subject_id)
    requests = await request_queries.requests_of(session, subject_id, MAX_ROWS)
    consents = await consent_queries.history(session, subject_id)
    audit = await audit_queries.page(session, {"person": str(subject_id)}, None, None, None, MAX_ROWS)
    return {
        "person": dict(person._mapping) if person else None,
        "consents": [dict(row._mapping) for row in consents],
        "requests": [dict(row._mapping) for row in requests],
        "audit_log": [only_about(row, str(subject_id)) for row in audit],
    }


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Deletes exports and consents. The audit log and the requests stay: once the other services have erased the
    person, their ids identify nobody. Returns the number of rows changed in each table."""
    return {
        "people": await people_queries.erase_person(session, subject_id),
        "duties": await people_queries.delete_duties(session, subject_id),
        "consents": await consent_queries.delete_consents(session, subject_id),
        "exports": await export_queries.delete_exports(session, subject_id),
        "audit_log": 0,
    }
