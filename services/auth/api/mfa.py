from fastapi import APIRouter, Response

from services.auth import mfa
from services.auth.api.access import ClientDep, DeskDep, SignedIn
from services.auth.schemas import CodeIn, Enroll, EnrolmentOut, RecoveryCodes

router = APIRouter(tags=["auth"])


@router.post("/api/v1/auth/mfa/enroll")
async def enroll_mfa(who: SignedIn, desk: DeskDep, client: ClientDep, body: Enroll | None = None) -> EnrolmentOut:
    """A secret for an authenticator app. Later than ten minutes after signing in it takes the password."""
    made = await mfa.enroll(desk, who, body.password if body else None, client)
    return EnrolmentOut(**vars(made))


@router.post("/api/v1/auth/mfa/confirm")
async def confirm_mfa(body: CodeIn, who: SignedIn, desk: DeskDep) -> RecoveryCodes:
    """Switches the second factor on. The recovery codes are shown this once."""
    return RecoveryCodes(recovery_codes=await mfa.confirm(desk, who, body.code))


@router.post("/api/v1/auth/mfa/disable", status_code=204, response_class=Response)
async def disable_mfa(body: CodeIn, who: SignedIn, desk: DeskDep, client: ClientDep) -> None:
    """Takes a code from the app or a recovery code."""
    await mfa.disable(desk, who, body.code, client)
