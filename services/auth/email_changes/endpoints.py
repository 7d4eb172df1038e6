"""Endpoints for changing the own address."""

from fastapi import APIRouter, Response

from services.auth.dependencies import Anyone, ClientDep, ContextDep, SignedIn
from services.auth.email_changes import service
from services.auth.email_changes.schemas import EmailChange, EmailConfirmation
from services.auth.errors import (
    AccountAltered,
    AddressUnchanged,
    InvalidOneTimeToken,
    OtherBrowser,
    ReauthenticationNeeded,
    UnmailableAddress,
    WrongPassword,
)
from services.auth.one_time_tokens.schemas import Requested
from services.auth.users.contact_details import require_mailable
from shared.http.browsers import BrowserDep, set_browser_cookie
from shared.openapi.operations import SET_COOKIE, raises, sends

router = APIRouter()


@router.post(
    "/api/v1/users/me/email",
    status_code=202,
    tags=["users"],
    summary="Change your e-mail address",
    responses=raises(ReauthenticationNeeded, WrongPassword, UnmailableAddress, AddressUnchanged)
    | sends(202, SET_COOKIE),
)
async def change_email(
    body: EmailChange,
    principal: SignedIn,
    context: ContextDep,
    client: ClientDep,
    browser: BrowserDep,
    response: Response,
) -> Requested:
    """Mails a link to the new address, which counts once the link is used within 24 hours, in the browser that asked.
    The old address is told.

    Needs the password later than ten minutes after the login. The answer is the same for another user's address.
    """
    require_mailable(context.settings, body.email)
    await service.request(context, principal, body.email, body.password, client, browser.digest)
    set_browser_cookie(response, browser)
    return Requested()


@router.post(
    "/api/v1/auth/confirm-email",
    status_code=204,
    response_class=Response,
    tags=["auth"],
    summary="Confirm a new e-mail address",
    responses=raises(InvalidOneTimeToken, OtherBrowser, AccountAltered),
)
async def confirm_email(body: EmailConfirmation, context: ContextDep, browser: BrowserDep, _: Anyone) -> None:
    """Takes the token that was mailed to the new address, once. The old address is told again.

    Only the browser that asked for the change can confirm it, which its cookie tells: so nobody can bring the owner of
    an address to give it to an account of somebody else.
    """
    await service.confirm(context, body.token, browser.digest)
