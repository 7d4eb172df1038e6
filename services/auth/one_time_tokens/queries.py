"""SQL of the one-time tokens. The table is closed to the service's role: only the functions reach it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sql_calls import function_call

ISSUE_TOKEN = function_call("issue_token", "email", "purpose", "hash", "expires")
IS_TOKEN_VALID = function_call("is_token_valid", "hash", "purpose")


async def issue_token(
    session: AsyncSession, email: str, purpose: str, token_hash: bytes, expires: datetime
) -> Row[Any] | None:
    """The user to mail the token to, or None when nobody is to be mailed."""
    values = {"email": email, "purpose": purpose, "hash": token_hash, "expires": expires}
    return (await session.execute(ISSUE_TOKEN, values)).one_or_none()


async def is_token_valid(session: AsyncSession, token_hash: bytes, purpose: str) -> bool:
    return bool((await session.execute(IS_TOKEN_VALID, {"hash": token_hash, "purpose": purpose})).scalar_one())
