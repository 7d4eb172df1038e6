"""Endpoints for changing the own address."""

from fastapi import APIRouter, Response

from services.auth.dependencies import Anyone, ClientDep, ContextDep, SignedIn
from services.auth.email_changes import service
from services.auth.email_changes.schemas import EmailChange, EmailConfirmation
from services.auth.errors import (
    AccountAltered,
    AddressUnchanged,
    InvalidOneTimeToken,
    ReauthenticationNeeded,
    UnmailableAddress,
    WrongPassword,
)
from services.auth.one_time_tokens.schemas import Requested
from services.auth.users.contact_details import require_mailable
from shared.openapi.operations import raises

router = APIRouter()


@router.post(
    "/api/v1/users/me/email",
    status_code=202,
    tags=["users"],
    summary="Change your e-mail address",
    responses=raises(ReauthenticationNeeded, WrongPassword, UnmailableAddress, AddressUnchanged),
)
async def change_email(body: EmailChange, principal: SignedIn, context: ContextDep, client: ClientDep) -> Requested:
    """Mails a link to the new address, which counts once the link is used within 24 hours. The old address is told.

    Needs the password later than ten minutes after the login. The answer is the same for another user's address.
    """
    require_mailable(context.settings, body.email)
    await service.request(context, principal, body.email, body.password, client)
    return Requested()


@router.post(
    "/api/v1/auth/confirm-email",
    status_code=204,
    response_class=Response,
    tags=["auth"],
    summary="Confirm a new e-mail address",
    responses=raises(InvalidOneTimeToken, AccountAltered),
)
async def confirm_email(body: EmailConfirmation, context: ContextDep, _: Anyone) -> None:
    """Takes the token that was mailed to the new address, once. The old address is told again."""
    await service.confirm(context, body.token)
