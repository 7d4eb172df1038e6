"""The endpoint for logging in."""

from fastapi import APIRouter, Depends, Response

from services.auth.dependencies import Anyone, ClientDep, ContextDep
from services.auth.errors import CodeNeeded, InvalidCode, InvalidCredentials
from services.auth.logins import service
from services.auth.logins.schemas import Login
from services.auth.passwords.refusals import PasswordNeedsSecondFactor
from services.auth.sessions.schemas import TokenPair
from services.auth.sessions.serializers import cookie_token_pair, forbid_caching, token_pair
from shared.openapi.operations import CACHE_CONTROL, SET_COOKIE, raises, sends

router = APIRouter(tags=["auth"], dependencies=[Depends(forbid_caching)])


@router.post(
    "/api/v1/auth/login",
    response_model_exclude_none=True,
    summary="Log in",
    responses=raises(InvalidCredentials, CodeNeeded, InvalidCode, PasswordNeedsSecondFactor)
    | sends(200, CACHE_CONTROL, SET_COOKIE),
)
async def login(body: Login, context: ContextDep, client: ClientDep, response: Response, _: Anyone) -> TokenPair:
    """With `session: cookie` the refresh token comes as a cookie. 401 `mfa_required`: send a `code` too."""
    tokens = await service.log_in(context, body.email, body.password, body.code, client)
    return cookie_token_pair(tokens, context, response) if body.session == "cookie" else token_pair(tokens)
