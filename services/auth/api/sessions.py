from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Cookie, Depends, Header, Request, Response

from domain.clock import copenhagen
from services.auth import queries, sessions
from services.auth.api.access import (
    COOKIE,
    Anyone,
    ClientDep,
    Csrf,
    DeskDep,
    SignedIn,
    SignedInOrCookie,
    cookie_pair,
    drop_cookie,
    pair,
)
from services.auth.schemas import Login, Refresh, SessionOut, Sessions, Ticket, TokenPair
from services.auth.tokens import TICKET_SECONDS
from shared.database.session import transaction
from shared.http.dependencies import SessionDep
from shared.identity.principals import SERVICE_CLAIMS
from shared.identity.tokens import TokenVerifier


async def _not_kept(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(tags=["auth"], dependencies=[Depends(_not_kept)])
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE, max_length=512)]


@router.post("/api/v1/auth/login", response_model_exclude_none=True)
async def login(body: Login, desk: DeskDep, client: ClientDep, response: Response, _: Anyone) -> TokenPair:
    """With `session: cookie` the refresh token comes as a cookie. 401 `mfa_required` asks for a `code` with it."""
    tokens = await desk.log_in(body.email, body.password, body.code, client)
    return cookie_pair(tokens, desk, response) if body.session == "cookie" else pair(tokens)


@router.post("/api/v1/auth/refresh", response_model_exclude_none=True)
async def refresh(
    desk: DeskDep,
    client: ClientDep,
    response: Response,
    _: Anyone,
    body: Refresh | None = None,
    cookie: RefreshCookie = None,
    csrf: Csrf = None,
) -> TokenPair:
    """Exchange a refresh token, from the body or from the cookie, for a new one. One used before ends its session."""
    if body is not None:
        return pair(await desk.refresh(body.refresh_token, client))
    tokens = await desk.refresh_cookie(cookie, csrf, client)
    return cookie_pair(tokens, desk, response)


@router.post("/api/v1/auth/logout", status_code=204, response_class=Response)
async def logout(who: SignedInOrCookie, desk: DeskDep, response: Response) -> None:
    """By access token, or by cookie with its CSRF token."""
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await sessions.end(session, who.id, "logout", only=who.session_id)
    drop_cookie(response)


@router.get("/api/v1/auth/sessions")
async def list_sessions(who: SignedIn, session: SessionDep) -> Sessions:
    """One's own open sessions, the last used first."""
    rows = await queries.open_sessions(session, who.id)
    return Sessions(
        items=[
            SessionOut(
                id=row.id,
                created_at=copenhagen(row.created_at),
                last_used_at=copenhagen(row.last_used_at),
                user_agent=row.user_agent,
                address=row.address,
                current=row.id == who.session_id,
            )
            for row in rows
        ]
    )


@router.delete("/api/v1/auth/sessions/{session_id}", status_code=204, response_class=Response)
async def end_session(session_id: UUID, who: SignedIn, session: SessionDep) -> None:
    await sessions.end_one(session, who, session_id)


@router.post("/api/v1/auth/ws-ticket")
async def create_ws_ticket(
    request: Request, who: SignedIn, desk: DeskDep, session: SessionDep, authorization: Annotated[str, Header()]
) -> Ticket:
    """Opens one WebSocket within 30 s, so that no access token has to stand in an address."""
    await sessions.require_open(session, who)
    verifier: TokenVerifier = request.app.state.verifier
    claims = await verifier.verify(authorization.partition(" ")[2].strip())
    made = await desk.mint.ticket(who.id, who.role, who.session_id, int(claims["exp"]))
    return Ticket(ticket=made, expires_in=TICKET_SECONDS)
