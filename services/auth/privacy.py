"""What auth holds on one person, and forgetting it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import queries
from services.auth.sessions import end_all


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    row = await queries.user(session, subject_id)
    return {"user": dict(row._mapping) if row else None}


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """The login ends at once; the row stays under its id, without the person."""
    row = await queries.user(session, subject_id, lock=True)
    if row is None:
        return {"users": 0}
    nobody = f"{subject_id}@erased.invalid"
    await queries.change(session, subject_id, email=nobody, full_name="", phone=None, active=False)
    await end_all(session, subject_id, "erased")
    return {"users": 1}
