"""Endpoints for a forgotten password and for changing the password."""

from fastapi import APIRouter, Response

from services.auth.dependencies import Anyone, ClientDep, ContextDep, SignedIn
from services.auth.errors import InvalidOneTimeToken, WrongPassword
from services.auth.one_time_tokens.schemas import Mailing, Requested
from services.auth.passwords import service
from services.auth.passwords.refusals import PASSWORD_RULES
from services.auth.passwords.schemas import PasswordChange, PasswordReset
from shared.http.browsers import BrowserDep
from shared.openapi.operations import raises

router = APIRouter(tags=["auth"])


@router.post("/api/v1/auth/forgot-password", status_code=202, summary="Request a mail to set a new password")
async def forgot_password(body: Mailing, context: ContextDep, _: Anyone) -> Requested:
    """Sends a mail with a link to set a new password. The answer is the same for an unknown address."""
    await service.request_reset(context, body.email)
    return Requested()


@router.post(
    "/api/v1/auth/reset-password",
    status_code=204,
    response_class=Response,
    summary="Set a new password with a mailed token",
    responses=raises(InvalidOneTimeToken, *PASSWORD_RULES),
)
async def reset_password(
    body: PasswordReset, context: ContextDep, client: ClientDep, browser: BrowserDep, _: Anyone
) -> None:
    """Sets a new password and ends all sessions of the user.

    As the first proof that the address is the user's, it removes what another browser set before.
    """
    await service.reset_password(context, body.token, body.new_password, client, browser.digest)


@router.post(
    "/api/v1/auth/change-password",
    status_code=204,
    response_class=Response,
    summary="Change your password",
    responses=raises(WrongPassword, *PASSWORD_RULES),
)
async def change_password(body: PasswordChange, principal: SignedIn, context: ContextDep, client: ClientDep) -> None:
    """Sets a new password and ends the caller's other sessions. Needs the old password."""
    await service.change_password(context, principal, body.old_password, body.new_password, client)
