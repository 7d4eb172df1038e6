"""Endpoints of the second factor."""

from fastapi import APIRouter, Response

from services.auth.dependencies import Admin, ClientDep, ContextDep, SignedIn
from services.auth.errors import MfaOff, MfaOn, OwnMfa, ReauthenticationNeeded, WrongCode, WrongPassword
from services.auth.mfa import service
from services.auth.mfa.schemas import CodeIn, Enroll, EnrolmentOut, RecoveryCodes
from services.auth.users.schemas import UserId
from shared.http.dependencies import SessionDep
from shared.openapi.operations import raises

router = APIRouter(tags=["auth"])


@router.post(
    "/api/v1/auth/mfa/enroll",
    summary="Create a secret for the second factor",
    responses=raises(MfaOn, ReauthenticationNeeded, WrongPassword),
)
async def enroll_mfa(
    principal: SignedIn, context: ContextDep, client: ClientDep, body: Enroll | None = None
) -> EnrolmentOut:
    """Creates a secret for an authenticator app. Needs the password later than ten minutes after the login."""
    enrolment = await service.enroll(context, principal, body.password if body else None, client)
    return EnrolmentOut(**vars(enrolment))


@router.post("/api/v1/auth/mfa/confirm", summary="Switch the second factor on", responses=raises(MfaOff, WrongCode))
async def confirm_mfa(body: CodeIn, principal: SignedIn, context: ContextDep, client: ClientDep) -> RecoveryCodes:
    """Switches the second factor on, ends the caller's other sessions, and returns the recovery codes, only once."""
    return RecoveryCodes(recovery_codes=await service.confirm(context, principal, body.code, client))


@router.post(
    "/api/v1/auth/mfa/disable",
    status_code=204,
    response_class=Response,
    summary="Switch the second factor off",
    responses=raises(MfaOff, WrongCode),
)
async def disable_mfa(body: CodeIn, principal: SignedIn, context: ContextDep, client: ClientDep) -> None:
    """Needs a code from the app or a recovery code."""
    await service.disable(context, principal, body.code, client)


@router.delete(
    "/api/v1/users/{user_id}/mfa",
    status_code=204,
    response_class=Response,
    summary="Remove a user's second factor",
    responses=raises(OwnMfa, MfaOff),
)
async def remove_mfa(user_id: UserId, principal: Admin, session: SessionDep) -> None:
    """Switches the second factor of another user off and ends their sessions.

    For a user who lost both phone and recovery codes. Check who is asking first.
    """
    await service.remove(session, principal, user_id)
