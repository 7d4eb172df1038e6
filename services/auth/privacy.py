"""Export and erasure of what auth holds on a person (GDPR, articles 15 and 17)."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sessions.service import end_sessions
from services.auth.users import queries
from services.auth.users.service import ERASED_DOMAIN


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    row = await queries.get_user(session, subject_id)
    user = {name: value for name, value in row._mapping.items() if name != "mac"} if row else None
    return {"user": user, **await queries.export_secrets(session, subject_id)}


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Ends the sessions and deletes the personal data. The row of the user stays, without any, under its id."""
    row = await queries.get_user(session, subject_id, lock=True)
    if row is None:
        return {"users": 0}
    email = f"{subject_id}{ERASED_DOMAIN}"
    await queries.update_user(session, subject_id, email=email, full_name="", phone=None, active=False, mac=None)
    await end_sessions(session, subject_id, "erased")
    await queries.delete_secrets(session, subject_id)
    return {"users": 1, "idempotency_keys": await queries.delete_idempotency_keys(session, subject_id)}
