"""SQL of the one-time tokens. The table is closed to the service's role: only the functions reach it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sql_calls import function_call

ISSUE_TOKEN = function_call(
    "issue_token", "email", "purpose", "hash", "expires", "browser", "request", browser="bytea", request="uuid"
)
SIGN_TOKEN = function_call("sign_token", "hash", "mac")
READ_TOKEN = function_call("read_token", "hash")
TRY_CODE = function_call("try_code", "browser")
PROVE_ADDRESS = function_call("prove_address", "hash", "purpose", "mac", "browser")


async def issue_token(session: AsyncSession, /, **values: Any) -> Row[Any] | None:
    """The user to mail the token to, or None when nobody is to be mailed."""
    return (await session.execute(ISSUE_TOKEN, values)).one_or_none()


async def sign_token(session: AsyncSession, token_hash: bytes, mac: bytes) -> None:
    await session.execute(SIGN_TOKEN, {"hash": token_hash, "mac": mac})


async def read_token(session: AsyncSession, token_hash: bytes) -> Row[Any] | None:
    """The row of a token that has not expired, with the MAC, which is not checked yet."""
    return (await session.execute(READ_TOKEN, {"hash": token_hash})).one_or_none()


async def try_code(session: AsyncSession, browser: bytes) -> Sequence[Row[Any]]:
    """Counts a try, and returns the rows of the tokens whose codes may be tried, with MACs that are not checked yet."""
    return (await session.execute(TRY_CODE, {"browser": browser})).all()


async def prove_address(
    session: AsyncSession, token_hash: bytes, purpose: str, mac: bytes, browser: bytes
) -> Row[Any] | None:
    """The user whose address is verified now; None when the token is not valid. Uses the token up."""
    values = {"hash": token_hash, "purpose": purpose, "mac": mac, "browser": browser}
    return (await session.execute(PROVE_ADDRESS, values)).one_or_none()
