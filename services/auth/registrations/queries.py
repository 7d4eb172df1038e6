"""SQL of verifying an address."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.one_time_tokens.service import ValidToken
from services.auth.sql_calls import function_call

VERIFY_EMAIL = function_call("verify_email", "hash", "mac")


async def verify_email(session: AsyncSession, token: ValidToken) -> Row[Any] | None:
    """The user whose address is verified now; None when the token is not valid. Uses the token up."""
    return (await session.execute(VERIFY_EMAIL, {"hash": token.hash, "mac": token.mac})).one_or_none()
