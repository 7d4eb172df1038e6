from fastapi import APIRouter, Response

from services.auth import credentials, one_time, users
from services.auth.api.access import Anyone, ClientDep, DeskDep, SignedIn
from services.auth.schemas import (
    Mailing,
    PasswordChange,
    PasswordReset,
    Registered,
    Registration,
    Requested,
    Verification,
)
from shared.database.session import transaction
from shared.identity.principals import SERVICE_CLAIMS

router = APIRouter(tags=["auth"])


@router.post("/api/v1/auth/register", status_code=202)
async def register(body: Registration, desk: DeskDep, _: Anyone) -> Registered:
    """Create a customer, who is mailed a link. The answer is the same for an address that is known already."""
    phone = users.normal_phone(body.phone)
    hashed = await desk.passwords.hash(body.password)
    values = {"email": body.email, "full_name": body.full_name, "phone": phone, "language": body.language}
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await users.sign_up(session, hashed, **values)
    return Registered()


@router.post("/api/v1/auth/resend-verification", status_code=202)
async def resend_verification(body: Mailing, desk: DeskDep, _: Anyone) -> Requested:
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await one_time.send(session, body.email, one_time.VERIFY, one_time.VERIFY_FOR)
    return Requested()


@router.post("/api/v1/auth/verify-email", status_code=204, response_class=Response)
async def verify_email(body: Verification, desk: DeskDep, _: Anyone) -> None:
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await one_time.verify_email(session, body.token)


@router.post("/api/v1/auth/forgot-password", status_code=202)
async def forgot_password(body: Mailing, desk: DeskDep, _: Anyone) -> Requested:
    """Mails a link to set a new password. The answer is the same for an unknown address."""
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await one_time.send(session, body.email, one_time.RESET, one_time.RESET_FOR)
    return Requested()


@router.post("/api/v1/auth/reset-password", status_code=204, response_class=Response)
async def reset_password(body: PasswordReset, desk: DeskDep, client: ClientDep, _: Anyone) -> None:
    """Ends every session."""
    await credentials.reset(desk, body.token, body.new_password, client)


@router.post("/api/v1/auth/change-password", status_code=204, response_class=Response)
async def change_password(body: PasswordChange, who: SignedIn, desk: DeskDep, client: ClientDep) -> None:
    """Needs the old password; ends the other sessions."""
    await credentials.change(desk, who, body.old_password, body.new_password, client)
