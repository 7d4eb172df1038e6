"""The cookie that holds the refresh token of a browser's session."""

from typing import Annotated

from fastapi import Cookie, Depends, Header, Request, Response

from services.auth.context import AuthContext
from services.auth.dependencies import ContextDep
from services.auth.one_time_tokens.schemas import TOKEN
from services.auth.sessions.schemas import Refresh
from services.auth.sessions.service import principal_of_cookie, principal_of_refresh_token
from shared.errors import Unauthorized
from shared.identity.access import EVERY_ROLE, identify
from shared.identity.principals import Principal

COOKIE = "__Host-loctician-refresh"

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


def set_refresh_cookie(response: Response, context: AuthContext, refresh_token: str) -> None:
    """No script can read the cookie, and no other site can make the browser send it (RFC 6265bis)."""
    seconds = context.settings.refresh_token_expire_days * 86_400
    response.set_cookie(COOKIE, refresh_token, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


def delete_refresh_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
