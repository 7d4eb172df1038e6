"""What gdpr holds on one person, and forgetting it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import queries as audit
from services.gdpr.consents import queries as consents
from services.gdpr.data_subject_requests import queries as requests
from services.gdpr.exports import queries as exports
from services.gdpr.people import queries as people

MOST_ROWS = 50_000


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    known = await people.person(session, subject_id)
    asked = await requests.of_person(session, subject_id, MOST_ROWS)
    agreed = await consents.of_person(session, subject_id)
    return {
        "person": dict(known._mapping) if known else None,
        "consents": [dict(row._mapping) for row in agreed],
        "requests": [dict(row._mapping) for row in asked],
        "audit_log": list(await audit.page(session, {"person": str(subject_id)}, None, None, None, MOST_ROWS)),
    }


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Exports and consents go. The audit log and the requests stay: their ids name nobody once the other services have
    forgotten whose they were."""
    return {
        "people": await people.forget(session, subject_id),
        "duties": await people.forget_duties(session, subject_id),
        "consents": await consents.forget(session, subject_id),
        "exports": await exports.forget_exports(session, subject_id),
        "audit_log": 0,
    }
