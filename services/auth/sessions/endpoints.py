"""Endpoints of sessions: refresh, logout, the list of sessions, and tickets for WebSockets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response

from keys.tokens import TokenVerifier
from services.auth.dependencies import Anyone, ClientDep, ContextDep, SignedIn
from services.auth.errors import InvalidCsrfToken, InvalidRefreshToken
from services.auth.sessions import queries, rotation, service
from services.auth.sessions.access_tokens import TICKET_SECONDS
from services.auth.sessions.cookies import (
    TAKES_COOKIE,
    Csrf,
    RefreshCookie,
    SignedInOrRefreshing,
    delete_session_cookies,
)
from services.auth.sessions.schemas import Refresh, Sessions, SessionState, Ticket, TokenPair
from services.auth.sessions.serializers import cookie_token_pair, forbid_caching, session_out, session_state, token_pair
from shared.http.dependencies import SessionDep
from shared.openapi.operations import CACHE_CONTROL, SET_COOKIE, raises, sends

router = APIRouter(tags=["auth"], dependencies=[Depends(forbid_caching)])


@router.post(
    "/api/v1/auth/refresh",
    response_model_exclude_none=True,
    summary="Exchange a refresh token",
    openapi_extra=TAKES_COOKIE,
    responses=raises(InvalidRefreshToken, InvalidCsrfToken) | sends(200, CACHE_CONTROL, SET_COOKIE),
)
async def refresh(
    context: ContextDep,
    client: ClientDep,
    response: Response,
    _: Anyone,
    body: Refresh | None = None,
    cookie: RefreshCookie = None,
    csrf: Csrf = None,
) -> TokenPair:
    """Exchanges a refresh token, from the body or from the cookie, for a new one. A used one ends its session."""
    if body is not None:
        return token_pair(await rotation.refresh(context, body.refresh_token, client))
    tokens = await rotation.refresh_cookie(context, cookie, csrf, client)
    return cookie_token_pair(tokens, context, response)


@router.post(
    "/api/v1/auth/logout",
    status_code=204,
    response_class=Response,
    summary="Log out",
    openapi_extra=TAKES_COOKIE,
    responses=raises(InvalidRefreshToken, InvalidCsrfToken) | sends(204, CACHE_CONTROL, SET_COOKIE),
)
async def logout(principal: SignedInOrRefreshing, context: ContextDep, response: Response) -> None:
    """Ends the session. Takes the access token, else the refresh token, else the cookie with its CSRF token."""
    await service.log_out(context, principal)
    delete_session_cookies(response)


@router.get(
    "/api/v1/auth/session",
    summary="See who is signed in",
    openapi_extra=TAKES_COOKIE,
    responses=sends(200, CACHE_CONTROL),
)
async def get_session(principal: Anyone, context: ContextDep, cookie: RefreshCookie = None) -> SessionState:
    """Who is signed in: by access token, else by the cookie, which needs no CSRF token here. Changes nothing. For a
    page that is loaded anew, and for a second tab."""
    return session_state(await service.signed_in_user(context, principal, cookie), context, cookie)


@router.get("/api/v1/auth/sessions", summary="List your sessions", responses=sends(200, CACHE_CONTROL))
async def list_sessions(principal: SignedIn, session: SessionDep) -> Sessions:
    """The caller's open sessions, the last used first."""
    rows = await queries.list_sessions(session, principal.id)
    return Sessions(items=[session_out(row, principal.session_id) for row in rows])


@router.delete(
    "/api/v1/auth/sessions",
    status_code=204,
    response_class=Response,
    summary="Sign out everywhere",
    responses=sends(204, CACHE_CONTROL, SET_COOKIE),
)
async def end_all_sessions(principal: SignedIn, session: SessionDep, response: Response) -> None:
    """Ends all sessions of the caller, this one too."""
    await service.end_sessions(session, principal.id, "revoked")
    delete_session_cookies(response)


@router.delete(
    "/api/v1/auth/sessions/{session_id}",
    status_code=204,
    response_class=Response,
    summary="End one of your sessions",
    responses=sends(204, CACHE_CONTROL),
)
async def end_session(session_id: UUID, principal: SignedIn, session: SessionDep) -> None:
    await service.end_own_session(session, principal, session_id)


@router.post("/api/v1/auth/ws-ticket", summary="Get a ticket for a WebSocket", responses=sends(200, CACHE_CONTROL))
async def create_ws_ticket(
    request: Request,
    principal: SignedIn,
    context: ContextDep,
    session: SessionDep,
    authorization: Annotated[str, Header()],
) -> Ticket:
    """A ticket opens one WebSocket within 30 s. It stands in the URL, where no access token should."""
    await service.require_open(session, principal)
    verifier: TokenVerifier = request.app.state.verifier
    claims = await verifier.verify(authorization.partition(" ")[2].strip())
    ticket = await context.tokens.ticket(principal.id, principal.role, principal.session_id, int(claims["exp"]))
    return Ticket(ticket=ticket, expires_in=TICKET_SECONDS)
