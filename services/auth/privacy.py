"""What auth holds on one person, and forgetting it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import queries
from services.auth.sessions import end
from services.auth.users import ERASED


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    row = await queries.user(session, subject_id)
    return {"user": dict(row._mapping) if row else None, **await queries.export_secrets(session, subject_id)}


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """The login ends at once; the row stays under its id, without the person."""
    row = await queries.user(session, subject_id, lock=True)
    if row is None:
        return {"users": 0}
    nobody = f"{subject_id}{ERASED}"
    await queries.change(session, subject_id, email=nobody, full_name="", phone=None, active=False)
    await end(session, subject_id, "erased")
    await queries.forget_secrets(session, subject_id)
    return {"users": 1, "idempotency_keys": await queries.forget_answers(session, subject_id)}
