"""Export and erasure of what auth holds on a person (GDPR, articles 15 and 17)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sessions.service import end_sessions
from services.auth.users import queries
from services.auth.users.service import ERASED_DOMAIN


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    row = await queries.get_user(session, subject_id)
    return {"user": _shown(row) if row else None, **await queries.export_secrets(session, subject_id)}


def _shown(row: Row[Any]) -> dict[str, Any]:
    """Without the digest of a cookie and the MAC, which tell the person nothing."""
    return {name: value for name, value in row._mapping.items() if name not in ("registered_by", "mac")}


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Ends the sessions and deletes the personal data. The row of the user stays, without any, under its id."""
    row = await queries.get_user(session, subject_id, lock=True)
    if row is None:
        return {"users": 0}
    email = f"{subject_id}{ERASED_DOMAIN}"
    gone = {"full_name": "", "phone": None, "registered_by": None, "mac": None, "active": False}
    await queries.update_user(session, subject_id, email=email, **gone)
    await end_sessions(session, subject_id, "erased")
    await queries.delete_secrets(session, subject_id)
    return {"users": 1, "idempotency_keys": await queries.delete_idempotency_keys(session, subject_id)}
