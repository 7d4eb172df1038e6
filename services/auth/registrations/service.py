"""Registering as a customer and verifying the e-mail address."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.errors import InvalidOneTimeToken
from services.auth.events import UserVerified
from services.auth.one_time_tokens.service import VERIFY, VERIFY_LIFETIME, find_token, mail_token
from services.auth.registrations import queries
from services.auth.users.service import create_user, require_user, state_of
from shared.messaging.events import emit


async def register(session: AsyncSession, password_hash: str, **values: Any) -> None:
    """Creates a customer, who is mailed a link to verify the address.

    A user who has the address already stays unchanged, and is mailed another link unless the address is verified.
    """
    await create_user(session, password_hash, **values)
    await request_verification(session, values["email"])


async def request_verification(session: AsyncSession, email: str) -> None:
    await mail_token(session, email, VERIFY, VERIFY_LIFETIME)


async def verify_email(session: AsyncSession, token: str) -> None:
    """Raises InvalidOneTimeToken."""
    user = await queries.verify_email(session, await find_token(session, token, VERIFY))
    if user is None:
        raise InvalidOneTimeToken
    if user.newly:
        emit(session, UserVerified(**state_of(await require_user(session, user.user_id))))
