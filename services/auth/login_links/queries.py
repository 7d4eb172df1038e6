"""SQL of signing in by a mailed token."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.logins.attempts import Attempt
from services.auth.logins.client import Client
from services.auth.mfa.codes import SubmittedCode
from services.auth.sql_calls import function_call

OPEN_SESSION = function_call(
    *("open_session", "session", "user", "changed_at", "rehash", "token", "expires"),
    *("account", "address", "pair", "step", "recovery", "agent", "host"),
    changed_at="timestamptz", rehash="text", step="bigint", recovery="bytea",
)  # fmt: skip


async def open_session(
    session: AsyncSession, session_id: UUID, user_id: UUID, token: bytes, expires: datetime, attempt: Attempt,
    code: SubmittedCode, client: Client,
) -> Row[Any]:  # fmt: skip
    """Opens a session without a password, if the second factor needs no other code. `outcome` as of a login."""
    ids = {"session": session_id, "user": user_id, "token": token, "expires": expires}
    without = {"changed_at": None, "rehash": None}
    more = {"step": code.step, "recovery": code.recovery, "agent": client.user_agent, "host": client.address}
    return (await session.execute(OPEN_SESSION, ids | without | vars(attempt) | more)).one()
