"""Tokens that are mailed and work once: to verify an address or to set a password."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.messages import seal_message
from services.auth.encryption import token_digest
from services.auth.errors import InvalidOneTimeToken
from services.auth.events import LoginFailed, UserInvited, UserPasswordResetRequested, UserVerificationRequested
from services.auth.one_time_tokens import queries
from services.auth.one_time_tokens.macs import has_mac, token_mac
from services.auth.users.signed_accounts import is_account_authentic
from shared.identity.derived_keys import keys_of
from shared.messaging.events import emit

Mailed = UserVerificationRequested | UserPasswordResetRequested | UserInvited
VERIFY, RESET = "verify", "reset"
VERIFY_LIFETIME = timedelta(hours=48)
RESET_LIFETIME = timedelta(hours=1)
INVITATION_LIFETIME = timedelta(days=7)
EVENTS: dict[str, type[Mailed]] = {VERIFY: UserVerificationRequested, RESET: UserPasswordResetRequested}


@dataclass(frozen=True)
class ValidToken:
    """A token whose row has the right MAC. `hash` and `mac` are for the SQL function that uses it up."""

    hash: bytes
    mac: bytes
    user_id: UUID
    email: str
    purpose: str


async def mail_token(
    session: AsyncSession, email: str, purpose: str, lifetime: timedelta, event: type[Mailed] | None = None, **more: Any
) -> None:
    """Has a token mailed to the user with this address. `event`: another than the purpose's own, with `more` in it.

    Nobody is mailed when no user has the address, or when the user got enough mails lately. The same statements run in
    all cases, so that neither the answer nor its time tells whether the address is known (ADR 0013).
    """
    token, expires = secrets.token_urlsafe(32), datetime.now(UTC) + lifetime
    token_hash = token_digest(token)
    user = await queries.issue_token(session, email, purpose, token_hash, expires)
    owner = (user.user_id, user.email) if user else (None, email)
    await queries.sign_token(session, token_hash, token_mac(keys_of(session), purpose, token_hash, *owner, expires))
    if not await is_account_authentic(session, user and user.user_id) or user is None:
        emit(session, LoginFailed(version=1, user_id=None, reason="mail_refused"))
        return
    requested = event or EVENTS[purpose]
    sealed = seal_message(keys_of(session), user.user_id, token)
    emit(session, requested(**user._mapping, **more, token=sealed, expires_at=expires))


async def find_token(session: AsyncSession, token: str, *purposes: str) -> ValidToken:
    """The token, if it has one of these purposes, has not expired, and its row was made by the service.

    Raises InvalidOneTimeToken.
    """
    token_hash = token_digest(token)
    row = await queries.read_token(session, token_hash)
    if row is None or row.purpose not in purposes:
        raise InvalidOneTimeToken
    if not has_mac(keys_of(session), row.mac, row.purpose, token_hash, row.user_id, row.email, row.expires_at):
        raise InvalidOneTimeToken
    return ValidToken(token_hash, row.mac, row.user_id, row.email, row.purpose)
