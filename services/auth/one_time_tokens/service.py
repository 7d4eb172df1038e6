"""Tokens that are mailed and work once: to verify an address or to set a password."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.encryption import token_digest
from services.auth.events import LoginFailed, UserInvited, UserPasswordResetRequested, UserVerificationRequested
from services.auth.one_time_tokens import queries
from shared.messaging.events import emit

Mailed = UserVerificationRequested | UserPasswordResetRequested | UserInvited
VERIFY, RESET = "verify", "reset"
VERIFY_LIFETIME = timedelta(hours=48)
RESET_LIFETIME = timedelta(hours=1)
INVITATION_LIFETIME = timedelta(days=7)
EVENTS: dict[str, type[Mailed]] = {VERIFY: UserVerificationRequested, RESET: UserPasswordResetRequested}


async def mail_token(
    session: AsyncSession, email: str, purpose: str, lifetime: timedelta, event: type[Mailed] | None = None, **more: Any
) -> None:
    """Has a token mailed to the user with this address. `event`: another than the purpose's own, with `more` in it.

    Nobody is mailed when no user has the address, or when the user got enough mails lately. The same statements run in
    all cases, so that neither the answer nor its time tells whether the address is known (ADR 0013).
    """
    token, expires = secrets.token_urlsafe(32), datetime.now(UTC) + lifetime
    user = await queries.issue_token(session, email, purpose, token_digest(token), expires)
    if user is None:
        emit(session, LoginFailed(version=1, user_id=None, reason="mail_refused"))
        return
    requested = event or EVENTS[purpose]
    emit(session, requested(**user._mapping, **more, token=token, expires_at=expires))
