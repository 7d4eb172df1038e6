"""Ending sessions, and checking that the caller's session is open."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.auth.context import AuthContext
from services.auth.errors import InvalidRefreshToken
from services.auth.events import Reason, SessionRevoked
from services.auth.sessions import queries
from services.auth.sessions.csrf import check_csrf
from services.auth.sessions.refresh_tokens import REFRESH
from services.auth.users.queries import get_user
from shared.database.session import transaction
from shared.errors import NotFound, Unauthorized
from shared.identity.principals import SERVICE_CLAIMS, Principal, claims_of
from shared.messaging.events import emit
from shared.observability.context import act_as


async def end_sessions(
    session: AsyncSession, user_id: UUID, reason: Reason, *, only: UUID | None = None, except_: UUID | None = None
) -> int:
    """Ends a user's open sessions, or only one of them, or all except one. Returns how many ended.

    Each emits session.revoked.v1, after which the gateways refuse its access tokens.
    """
    session_ids = await queries.revoke_sessions(session, user_id, only, except_)
    for session_id in session_ids:
        emit(session, SessionRevoked(version=2, user_id=user_id, session_id=session_id, reason=reason))
    return len(session_ids)


async def end_own_session(session: AsyncSession, principal: Principal, session_id: UUID) -> None:
    """Raises NotFound for a session that has ended or belongs to another user."""
    if not await end_sessions(session, principal.id, "revoked", only=session_id):
        raise NotFound


async def log_out(context: AuthContext, principal: Principal) -> None:
    """Ends the caller's session."""
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        await end_sessions(session, principal.id, "logout", only=principal.session_id)


async def require_open(session: AsyncSession, principal: Principal, younger_than: timedelta | None = None) -> bool:
    """Raises Unauthorized when the caller's session has ended since the access token was issued.

    Returns whether the session is younger than `younger_than`; True without it.
    """
    age = await queries.session_age(session, principal.id, principal.session_id)
    if age is None:
        raise Unauthorized
    return younger_than is None or age <= younger_than


async def principal_of_cookie(context: AuthContext, cookie: str, csrf: str | None) -> Principal:
    """The user whose open session the cookie belongs to. Raises InvalidCsrfToken, Unauthorized."""
    check_csrf(context.encryption, cookie, csrf)
    principal = await _principal_of(context, cookie)
    if principal is None:
        raise Unauthorized
    return principal


async def signed_in_user(
    context: AuthContext, principal: Principal | None, cookie: str | None
) -> tuple[UUID, Row[Any]] | None:
    """The open session of the caller, or else of the cookie, and its user; None for nobody."""
    if principal is None and cookie is not None:
        principal = await _principal_of(context, cookie)
    if principal is None:
        return None
    async with transaction(context.database, claims_of(principal)) as session:
        if await queries.session_age(session, principal.id, principal.session_id) is None:
            return None
        user = await get_user(session, principal.id)
    return None if user is None else (principal.session_id, user)


async def principal_of_refresh_token(context: AuthContext, token: str) -> Principal:
    """The user whose open session the token belongs to. Raises InvalidRefreshToken."""
    principal = await _principal_of(context, token)
    if principal is None:
        raise InvalidRefreshToken
    return principal


async def _principal_of(context: AuthContext, refresh_token: str) -> Principal | None:
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        for digest in context.encryption.token_digests(REFRESH, refresh_token):
            row = await queries.session_of_refresh_token(session, digest)
            if row is not None:
                break
    if row is None:
        return None
    act_as(str(row.user_id), row.role)
    return Principal(row.user_id, Role(row.role), row.session_id)
