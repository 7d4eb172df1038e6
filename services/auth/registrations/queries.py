"""SQL of verifying an address."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sql_calls import function_call

VERIFY_EMAIL = function_call("verify_email", "hash")


async def verify_email(session: AsyncSession, token_hash: bytes) -> Row[Any] | None:
    """The user whose address is verified now; None when the token is not valid. Uses the token up."""
    return (await session.execute(VERIFY_EMAIL, {"hash": token_hash})).one_or_none()
