"""Endpoints for registering and for verifying an address. Their answers never tell whether an address is known."""

from fastapi import APIRouter, Response

from services.auth.dependencies import Anyone, ContextDep
from services.auth.errors import InvalidOneTimeToken, UnmailableAddress
from services.auth.one_time_tokens.schemas import Mailing, Requested
from services.auth.passwords.refusals import PASSWORD_RULES
from services.auth.passwords.strength import require_strong
from services.auth.registrations import service
from services.auth.registrations.schemas import Registered, Registration, Verification
from services.auth.users.contact_details import require_mailable
from shared.database.session import transaction
from shared.http.browsers import BrowserDep, set_browser_cookie
from shared.identity.principals import SERVICE_CLAIMS
from shared.openapi.operations import SET_COOKIE, raises, sends

router = APIRouter(tags=["auth"])


@router.post(
    "/api/v1/auth/register",
    status_code=202,
    summary="Register as a customer",
    responses=raises(UnmailableAddress, *PASSWORD_RULES) | sends(202, SET_COOKIE),
)
async def register(
    body: Registration, context: ContextDep, browser: BrowserDep, response: Response, _: Anyone
) -> Registered:
    """Creates a customer, who is mailed a link to verify the address. The answer is the same for a known address.

    Nobody logs in with the password before. A link that is opened in another browser than this one, which a cookie
    tells, removes the password and all else that was set. Without a password, one signs in by mailed links.
    """
    require_mailable(context.settings, body.email)
    password_hash = None
    if body.password is not None:
        await require_strong(body.password, (body.full_name, body.email), second_factor=False)
        password_hash = await context.passwords.hash(body.password)
    values = {"email": body.email, "full_name": body.full_name, "phone": body.phone, "language": body.language}
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        await service.register(session, password_hash, browser.digest, **values)
    set_browser_cookie(response, browser)
    return Registered()


@router.post("/api/v1/auth/resend-verification", status_code=202, summary="Request another verification mail")
async def resend_verification(body: Mailing, context: ContextDep, _: Anyone) -> Requested:
    """Sends another verification mail. The answer is the same for an unknown or a verified address."""
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        await service.request_verification(session, body.email)
    return Requested()


@router.post(
    "/api/v1/auth/verify-email",
    status_code=204,
    response_class=Response,
    summary="Verify an e-mail address",
    responses=raises(InvalidOneTimeToken),
)
async def verify_email(body: Verification, context: ContextDep, browser: BrowserDep, _: Anyone) -> None:
    """In another browser than the one that registered the address, removes what was set before."""
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        await service.verify_email(session, body.token, browser.digest)
