"""What the audit holds on one person: ids only, which stay as proof of who did what."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import audit_log

MOST_ROWS = 10_000


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    columns = audit_log.c
    about = (columns.actor_id == str(subject_id)) | (columns.entity == str(subject_id))
    rows = await session.execute(select(audit_log).where(about).order_by(columns.id).limit(MOST_ROWS))
    return {"audit_log": [dict(row) for row in rows.mappings()]}


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Nothing: without the person's row in auth the ids in the audit name nobody."""
    return {"audit_log": 0}
