"""SQL of passwords. The table is closed to the service's role: only the functions reach it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.logins.attempts import Attempt
from services.auth.one_time_tokens.service import ValidToken
from services.auth.sql_calls import function_call

BEGIN_CHANGE = function_call("begin_password_change", "user", "session", "account", "address", "pair")
CHANGE_PASSWORD = function_call("change_password", "user", "session", "changed_at", "hash")
RESET_PASSWORD = function_call("reset_password", "hash", "mac", "password", "address", "browser")
PASSWORD_HASHES = function_call("password_hashes", "after", "limit", after="uuid")
REPLACE_HASH = function_call("replace_password_hash", "user", "old", "new")


async def begin_change(session: AsyncSession, user_id: UUID, session_id: UUID, attempt: Attempt) -> Row[Any] | None:
    """The hash of the caller's password and when it was set; None when locked or the session has ended."""
    values = {"user": user_id, "session": session_id, **vars(attempt)}
    return (await session.execute(BEGIN_CHANGE, values)).one_or_none()


async def change_password(session: AsyncSession, /, **values: Any) -> bool:
    """False when the password was changed since `changed_at`, or the session has ended."""
    return bool((await session.execute(CHANGE_PASSWORD, values)).scalar_one())


async def reset_password(
    session: AsyncSession, token: ValidToken, password_hash: str, address: bytes, browser: bytes
) -> Row[Any] | None:
    """The user whose password is set now; None when the token is not valid. Uses the token up."""
    values = {"hash": token.hash, "mac": token.mac, "password": password_hash}
    values |= {"address": address, "browser": browser}
    return (await session.execute(RESET_PASSWORD, values)).one_or_none()


async def hashes_after(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Sealed hashes by user, from the one after `after` on."""
    return (await session.execute(PASSWORD_HASHES, {"after": after, "limit": limit})).all()


async def replace_hash(session: AsyncSession, user_id: UUID, old: str, new: str) -> None:
    """Both are the same hash, sealed with different keys."""
    await session.execute(REPLACE_HASH, {"user": user_id, "old": old, "new": new})
