"""Tokens that are mailed and work once: to verify an address, to set a new password."""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import queries
from services.auth.errors import InvalidOneTimeToken
from services.auth.events import LoginFailed, UserPasswordResetRequested, UserVerificationRequested, UserVerified
from services.auth.sealing import digest
from shared.messaging.events import emit

VERIFY, RESET = "verify", "reset"
VERIFY_FOR = timedelta(hours=48)
RESET_FOR = timedelta(hours=1)
INVITED_FOR = timedelta(days=7)
EVENTS = {VERIFY: UserVerificationRequested, RESET: UserPasswordResetRequested}


async def send(session: AsyncSession, email: str, purpose: str, good_for: timedelta) -> None:
    """Have a token mailed to whoever has the address. The same statements run when nobody has it, or has had enough
    mails for now, so that neither answer nor time tells."""
    token, expires = secrets.token_urlsafe(32), datetime.now(UTC) + good_for
    person = await queries.issue_token(session, email, purpose, digest(token), expires)
    if person is None:
        emit(session, LoginFailed(version=1, user_id=None, reason="mail_refused"))
        return
    emit(session, EVENTS[purpose](**person._mapping, token=token, expires_at=expires))


async def verify_email(session: AsyncSession, token: str) -> None:
    """Raises InvalidOneTimeToken."""
    found = await queries.verify_email(session, digest(token))
    if found is None:
        raise InvalidOneTimeToken
    if found.newly:
        emit(session, UserVerified(version=found.version, user_id=found.user_id))
