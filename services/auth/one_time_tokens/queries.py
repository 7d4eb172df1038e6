"""SQL of the one-time tokens. The table is closed to the service's role: only the functions reach it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sql_calls import function_call

ISSUE_TOKEN = function_call("issue_token", "email", "purpose", "hash", "expires")
SIGN_TOKEN = function_call("sign_token", "hash", "mac")
READ_TOKEN = function_call("read_token", "hash")


async def issue_token(
    session: AsyncSession, email: str, purpose: str, token_hash: bytes, expires: datetime
) -> Row[Any] | None:
    """The user to mail the token to, or None when nobody is to be mailed."""
    values = {"email": email, "purpose": purpose, "hash": token_hash, "expires": expires}
    return (await session.execute(ISSUE_TOKEN, values)).one_or_none()


async def sign_token(session: AsyncSession, token_hash: bytes, mac: bytes) -> None:
    await session.execute(SIGN_TOKEN, {"hash": token_hash, "mac": mac})


async def read_token(session: AsyncSession, token_hash: bytes) -> Row[Any] | None:
    """The row of a token that has not expired, with the MAC, which is not checked yet."""
    return (await session.execute(READ_TOKEN, {"hash": token_hash})).one_or_none()
