"""What gdpr holds on one person."""

from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import audit_log


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    concerns = or_(audit_log.c.actor_id == str(subject_id), audit_log.c.entity == str(subject_id))
    found = await session.execute(select(audit_log).where(concerns).order_by(audit_log.c.id))
    return {"audit_log": [dict(row) for row in found.mappings()]}


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """The audit log stays: its ids name nobody once the other services have forgotten whose they were."""
    return {"audit_log": 0}
