"""The answers of logins, refreshes and the list of sessions."""

from typing import Any
from uuid import UUID

from fastapi import Response

from domain.clock import to_copenhagen
from domain.roles import Role
from services.auth.context import AuthContext
from services.auth.sessions.cookies import set_session_cookies
from services.auth.sessions.csrf import csrf_token
from services.auth.sessions.devices import device, network
from services.auth.sessions.refresh_tokens import session_id_in
from services.auth.sessions.schemas import SessionOut, SessionState, SessionUser, TokenPair
from services.auth.sessions.tokens import Tokens


def token_pair(tokens: Tokens) -> TokenPair:
    return TokenPair(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=tokens.expires_in,
        needs_second_factor=tokens.needs_second_factor or None,
    )


def cookie_token_pair(tokens: Tokens, context: AuthContext, response: Response) -> TokenPair:
    """Sets the refresh token as a cookie instead of putting it into the body."""
    set_session_cookies(response, context, tokens.refresh_token)
    return TokenPair(
        access_token=tokens.access_token,
        csrf_token=tokens.csrf_token,
        expires_in=tokens.expires_in,
        needs_second_factor=tokens.needs_second_factor or None,
    )


def session_out(row: Any, current_id: UUID) -> SessionOut:
    return SessionOut(
        id=row.id,
        created_at=to_copenhagen(row.created_at),
        last_used_at=to_copenhagen(row.last_used_at),
        expires_at=to_copenhagen(row.expires_at),
        device=device(row.user_agent),
        user_agent=row.user_agent,
        address=row.address,
        network=network(row.address),
        current=row.id == current_id,
    )


def session_state(session_and_user: tuple[UUID, Any] | None, context: AuthContext, cookie: str | None) -> SessionState:
    if session_and_user is None:
        return SessionState(user=None, csrf_token=None)
    session_id, row = session_and_user
    user = SessionUser(id=row.id, full_name=row.full_name, email=row.email, role=Role(row.role), language=row.language)
    in_cookie = cookie is not None and session_id_in(cookie) == session_id
    return SessionState(user=user, csrf_token=csrf_token(context.encryption, session_id) if in_cookie else None)


async def forbid_caching(response: Response) -> None:
    """A dependency of endpoints that return secrets."""
    response.headers["Cache-Control"] = "no-store"
