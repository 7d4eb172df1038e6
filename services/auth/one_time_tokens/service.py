"""Tokens that are mailed and work once: to verify an address, to set a password, to sign in, to confirm a request."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
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
VERIFY, RESET, LOGIN, REQUEST = "verify", "reset", "login", "request"
VERIFY_LIFETIME = timedelta(hours=48)
RESET_LIFETIME = timedelta(hours=1)
INVITATION_LIFETIME = timedelta(days=7)
EVENTS: dict[str, type[Mailed]] = {VERIFY: UserVerificationRequested, RESET: UserPasswordResetRequested}


@dataclass(frozen=True)
class Issued:
    """A token that was just stored. `user`: whom to mail it to. `sealed`: for the mail, for notifications alone."""

    user: Row[Any]
    sealed: str
    hash: bytes


@dataclass(frozen=True)
class ValidToken:
    """A token whose row has the right MAC. `hash` and `mac` are for the SQL function that uses it up."""

    hash: bytes
    mac: bytes
    user_id: UUID
    email: str
    purpose: str
    browser: bytes | None  # digest of the cookie of the browser that asked for it
    request_id: UUID | None
    tries: int  # at its code


async def issue(
    session: AsyncSession,
    email: str,
    purpose: str,
    expires: datetime,
    browser: bytes | None = None,
    request_id: UUID | None = None,
) -> Issued | None:
    """Stores a token. None when nobody is to be mailed: no user has the address, or the user got enough mails lately.

    The same statements run in all cases, so that neither the answer nor its time tells which (ADR 0013).
    """
    token = secrets.token_urlsafe(32)
    token_hash = token_digest(token)
    bound = {"browser": browser, "request": request_id}
    user = await queries.issue_token(session, email=email, purpose=purpose, hash=token_hash, expires=expires, **bound)
    owner = (user.user_id, user.email) if user else (None, email)
    mac = token_mac(keys_of(session), purpose, token_hash, *owner, expires, browser, request_id)
    await queries.sign_token(session, token_hash, mac)
    if not await is_account_authentic(session, user and user.user_id) or user is None:
        emit(session, LoginFailed(version=1, user_id=None, reason="mail_refused"))
        return None
    return Issued(user, seal_message(keys_of(session), user.user_id, token), token_hash)


async def mail_token(
    session: AsyncSession, email: str, purpose: str, lifetime: timedelta, event: type[Mailed] | None = None, **more: Any
) -> None:
    """Has a token mailed to the user with this address. `event`: another than the purpose's own, with `more` in it."""
    expires = datetime.now(UTC) + lifetime
    issued = await issue(session, email, purpose, expires)
    if issued is not None:
        requested = event or EVENTS[purpose]
        emit(session, requested(**issued.user._mapping, **more, token=issued.sealed, expires_at=expires))


async def find_token(session: AsyncSession, token: str, *purposes: str) -> ValidToken:
    """The token, if it has one of these purposes, has not expired, and its row was made by the service.

    Raises InvalidOneTimeToken.
    """
    row = await queries.read_token(session, token_digest(token))
    valid = row and checked(session, row)
    if valid is None or valid.purpose not in purposes:
        raise InvalidOneTimeToken
    return valid


def checked(session: AsyncSession, row: Row[Any]) -> ValidToken | None:
    """None unless the row has the MAC that the service gave it."""
    covered = (row.purpose, row.token_hash, row.user_id, row.email, row.expires_at, row.browser, row.request_id)
    if row.user_id is None or not has_mac(keys_of(session), row.mac, *covered):
        return None
    return ValidToken(
        row.token_hash, row.mac, row.user_id, row.email, row.purpose, row.browser, row.request_id, row.tries
    )
