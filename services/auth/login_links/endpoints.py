"""Endpoints for signing in by a mailed link, and by the code in its mail."""

from fastapi import APIRouter, Depends, Response

from services.auth.dependencies import Anyone, ClientDep, ContextDep
from services.auth.errors import CodeNeeded, InvalidCode, InvalidLoginCode
from services.auth.login_links import service
from services.auth.login_links.schemas import CodeLogin
from services.auth.one_time_tokens.schemas import Mailing, Requested
from services.auth.sessions.schemas import TokenPair
from services.auth.sessions.serializers import cookie_token_pair, forbid_caching, token_pair
from shared.http.browsers import BrowserDep, set_browser_cookie
from shared.openapi.operations import CACHE_CONTROL, SET_COOKIE, raises, sends

router = APIRouter(tags=["auth"], dependencies=[Depends(forbid_caching)])


@router.post(
    "/api/v1/auth/login-link",
    status_code=202,
    summary="Request a mail with a link to sign in",
    responses=sends(202, CACHE_CONTROL, SET_COOKIE),
)
async def request_login_link(
    body: Mailing, context: ContextDep, browser: BrowserDep, response: Response, _: Anyone
) -> Requested:
    """Sends a mail with a link and a six-digit code. The answer is the same for an unknown address.

    The link signs in this browser, which a cookie tells, within 15 minutes and once. Opened elsewhere, its page shows
    the code, which `login-code` takes from this browser.
    """
    await service.request_link(context, body.email, browser)
    set_browser_cookie(response, browser)
    return Requested()


@router.post(
    "/api/v1/auth/login-code",
    response_model_exclude_none=True,
    summary="Sign in with the code of a mail",
    responses=raises(InvalidLoginCode, CodeNeeded, InvalidCode) | sends(200, CACHE_CONTROL, SET_COOKIE),
)
async def log_in_with_code(
    body: CodeLogin, context: ContextDep, client: ClientDep, browser: BrowserDep, response: Response, _: Anyone
) -> TokenPair:
    """Takes the code in the browser that asked for the mail, five times at most. Answers as a login does.

    401 `mfa_required`: send the code of the app as `second_factor` too.
    """
    tokens = await service.sign_in_with_code(context, body.code, body.second_factor, client, browser)
    return cookie_token_pair(tokens, context, response) if body.session == "cookie" else token_pair(tokens)
