"""The cookies of a browser's session: its refresh token, and its CSRF token for the own pages to read."""

from typing import Annotated, Any

from fastapi import Cookie, Depends, Header, Request, Response

from services.auth.context import AuthContext
from services.auth.dependencies import ContextDep
from services.auth.one_time_tokens.schemas import TOKEN
from services.auth.sessions.csrf import csrf_token
from services.auth.sessions.refresh_tokens import session_id_in
from services.auth.sessions.schemas import Refresh
from services.auth.sessions.service import principal_of_cookie, principal_of_refresh_token
from shared.errors import Unauthorized
from shared.identity.access import EVERY_ROLE, identify
from shared.identity.principals import Principal

COOKIE, CSRF_COOKIE = "__Host-loctician-refresh", "__Host-loctician-csrf"
TAKES_COOKIE: dict[str, Any] = {"security": [{"cookie": []}]}  # beside the access token, in the OpenAPI document

RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE, max_length=512, examples=[TOKEN])]
Csrf = Annotated[str | None, Header(alias="X-CSRF-Token", max_length=100, examples=[TOKEN])]


async def _signed_in_or_refreshing(
    request: Request,
    context: ContextDep,
    principal: Annotated[Principal | None, Depends(identify)],
    body: Refresh | None = None,
    csrf: Csrf = None,
) -> Principal:
    """The caller by access token, else by the refresh token in the body, else by cookie and CSRF token.

    Raises Unauthorized, InvalidRefreshToken, InvalidCsrfToken.
    """
    if principal is not None:
        return principal
    if body is not None:
        return await principal_of_refresh_token(context, body.refresh_token)
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise Unauthorized
    return await principal_of_cookie(context, cookie, csrf)


_signed_in_or_refreshing.__access__ = EVERY_ROLE  # type: ignore[attr-defined]
SignedInOrRefreshing = Annotated[Principal, Depends(_signed_in_or_refreshing)]


def set_session_cookies(response: Response, context: AuthContext, refresh_token: str) -> None:
    """No other site can make the browser send or set them (RFC 6265bis), and no script can read the refresh token. The
    CSRF token can be read by every page of the own site, so that a reload or another tab has it."""
    session_id = session_id_in(refresh_token)
    assert session_id is not None  # noqa: S101 - it was made here
    csrf = csrf_token(context.encryption, session_id)
    seconds = context.settings.refresh_token_expire_days * 86_400
    for name, value, is_hidden in ((COOKIE, refresh_token, True), (CSRF_COOKIE, csrf, False)):
        response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=is_hidden, samesite="strict")


def delete_session_cookies(response: Response) -> None:
    for name in (COOKIE, CSRF_COOKIE):
        response.delete_cookie(name, path="/", secure=True, httponly=name == COOKIE, samesite="strict")
