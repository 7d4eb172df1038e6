"""SQL of sessions and refresh tokens. The tables are closed to the service's role: only the functions reach them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.auth.sql_calls import function_call
from shared.database.session import Database
from shared.identity.principals import Claims, Principal
from shared.messaging.events import new_id

REFRESH = "SELECT * FROM auth.refresh($1, $2, $3, $4, $5, $6)"
REVOKE = function_call("revoke_sessions", "user", "only", "except", only="uuid", **{"except": "uuid"})
LIST_SESSIONS = function_call("list_sessions", "user")
SESSION_AGE = function_call("session_age", "user", "session")
MARK_SECOND_FACTOR = function_call("mark_second_factor", "user", "session")
SESSION_OF = function_call("session_of", "token")


@dataclass(frozen=True)
class Rotation:
    outcome: str  # rotated, repeated, superseded, reused, ended or unknown
    principal: Principal | None  # to whom the token belongs, unless it is unknown


async def rotate_refresh_token(
    database: Database, claims: Claims, old: bytes, new: bytes, *, expires: datetime, client: bytes
) -> Rotation:
    """Exchanges the token with the hash `old` for the one with the hash `new` and emits session.refreshed.v1.

    One statement, which is a transaction of its own. The session ends, with session.revoked.v1, when the old token was
    used before, unless the same client retries within ten seconds.
    """
    row = await database.autocommit.row(REFRESH, claims.as_json(), new_id(), old, new, expires, client)
    if row["user_id"] is None:
        return Rotation(row["outcome"], None)
    return Rotation(row["outcome"], Principal(row["user_id"], Role(row["role"]), row["session_id"]))


async def revoke_sessions(
    session: AsyncSession, user_id: UUID, only: UUID | None, except_: UUID | None
) -> Sequence[UUID]:
    """Ends the user's open sessions, or only one of them, or all except one. Returns the ids of those that ended."""
    return (await session.execute(REVOKE, {"user": user_id, "only": only, "except": except_})).scalars().all()


async def list_sessions(session: AsyncSession, user_id: UUID) -> Sequence[Row[Any]]:
    """At most 100 open sessions, the last used first."""
    return (await session.execute(LIST_SESSIONS, {"user": user_id})).all()


async def session_age(session: AsyncSession, user_id: UUID, session_id: UUID) -> timedelta | None:
    """The time since the session began; None when it has ended."""
    age: timedelta | None = (await session.execute(SESSION_AGE, {"user": user_id, "session": session_id})).scalar_one()
    return age


async def session_of_refresh_token(session: AsyncSession, token_hash: bytes) -> Row[Any] | None:
    """The open session that the refresh token belongs to."""
    return (await session.execute(SESSION_OF, {"token": token_hash})).one_or_none()


async def mark_second_factor(session: AsyncSession, principal: Principal) -> None:
    """The caller's session has shown the second factor that the caller has just added."""
    await session.execute(MARK_SECOND_FACTOR, {"user": principal.id, "session": principal.session_id})
