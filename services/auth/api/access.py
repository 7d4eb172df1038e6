"""Who may call, and what every endpoint here starts from."""

from typing import Annotated

from fastapi import Depends, Header, Request, Response

from domain.roles import Role
from services.auth.clients import MOST_AGENT, Client
from services.auth.schemas import TokenPair
from services.auth.sessions import Desk, Tokens
from shared.errors import Unauthorized
from shared.identity.access import ANYONE, EVERY_ROLE, SIGNED_IN, allow, identify
from shared.identity.principals import Principal

Anyone = Annotated[Principal | None, ANYONE]
SignedIn = Annotated[Principal, SIGNED_IN]
Staff = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]
Admin = Annotated[Principal, allow(Role.ADMIN)]

COOKIE = "__Host-loctician-refresh"


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _client(request: Request) -> Client:
    """The address is what the server takes it for: behind the gateway, that of X-Forwarded-For."""
    agent = request.headers.get("user-agent", "")[:MOST_AGENT].replace("\x00", "")
    return Client(request.client.host if request.client else "unknown", agent)


DeskDep = Annotated[Desk, Depends(_desk)]
ClientDep = Annotated[Client, Depends(_client)]
Csrf = Annotated[str | None, Header(alias="X-CSRF-Token", max_length=100)]


async def _signed_in_or_cookie(
    request: Request, desk: DeskDep, who: Annotated[Principal | None, Depends(identify)], csrf: Csrf = None
) -> Principal:
    if who is not None:
        return who
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise Unauthorized
    return await desk.holder(cookie, csrf)


_signed_in_or_cookie.__access__ = EVERY_ROLE  # type: ignore[attr-defined]
SignedInOrCookie = Annotated[Principal, Depends(_signed_in_or_cookie)]


def pair(tokens: Tokens) -> TokenPair:
    return TokenPair(access_token=tokens.access_token, refresh_token=tokens.refresh_token, expires_in=tokens.expires_in)


def cookie_pair(tokens: Tokens, desk: Desk, response: Response) -> TokenPair:
    """The refresh token where no script and no other site gets at it (RFC 6265bis)."""
    days = desk.settings.refresh_token_expire_days
    response.set_cookie(
        COOKIE, tokens.refresh_token, max_age=days * 86_400, path="/", secure=True, httponly=True, samesite="strict"
    )
    return TokenPair(access_token=tokens.access_token, csrf_token=tokens.csrf_token, expires_in=tokens.expires_in)


def drop_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
