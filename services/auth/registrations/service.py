"""Registering as a customer and verifying the e-mail address."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.one_time_tokens.proofs import prove_address
from services.auth.one_time_tokens.service import VERIFY, VERIFY_LIFETIME, find_token, mail_token
from services.auth.users.service import create_user


async def register(session: AsyncSession, password_hash: str | None, browser: bytes, **values: Any) -> None:
    """Creates a customer, who is mailed a link to verify the address.

    `browser`: digest of the cookie of the browser that registers. A user who has the address already stays unchanged,
    and is mailed another link unless the address is verified.
    """
    await create_user(session, password_hash, browser=browser, **values)
    await request_verification(session, values["email"])


async def request_verification(session: AsyncSession, email: str) -> None:
    await mail_token(session, email, VERIFY, VERIFY_LIFETIME)


async def verify_email(session: AsyncSession, token: str, browser: bytes) -> None:
    """Raises InvalidOneTimeToken."""
    await prove_address(session, await find_token(session, token, VERIFY), browser)
