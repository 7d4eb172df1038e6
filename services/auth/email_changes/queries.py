"""SQL of changes of address. The table is closed to the service's role: only the functions reach it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sql_calls import function_call

REQUEST = function_call("request_email_change", "user", "email", "hash", "expires")
SIGN = function_call("sign_email_change", "hash", "mac")
CONFIRM = function_call("confirm_email_change", "hash")
READ = function_call("read_email_change", "hash")
END = function_call("end_email_changes", "user")


async def request(
    session: AsyncSession, user_id: UUID, email: str, token_hash: bytes, expires: datetime
) -> Row[Any] | None:
    """The user, and whether the address is `free`; None after five requests within an hour."""
    values = {"user": user_id, "email": email, "hash": token_hash, "expires": expires}
    return (await session.execute(REQUEST, values)).one_or_none()


async def sign(session: AsyncSession, token_hash: bytes, mac: bytes) -> None:
    await session.execute(SIGN, {"hash": token_hash, "mac": mac})


async def read(session: AsyncSession, token_hash: bytes) -> Row[Any] | None:
    """The row of a token that has not expired, with the MAC, which is not checked yet."""
    return (await session.execute(READ, {"hash": token_hash})).one_or_none()


async def confirm(session: AsyncSession, token_hash: bytes) -> Row[Any] | None:
    """The user who has the new address now, with the old one; None when the token is not valid. Uses the token up."""
    return (await session.execute(CONFIRM, {"hash": token_hash})).one_or_none()


async def end(session: AsyncSession, user_id: UUID) -> None:
    """Makes the user's mailed tokens invalid."""
    await session.execute(END, {"user": user_id})
