"""Switching the second factor on and off, and an admin taking a lost one away."""

from dataclasses import dataclass
from uuid import UUID

import pyotp
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import codes, credentials, queries, users
from services.auth.clients import Client
from services.auth.errors import InvalidCode, MfaOff, MfaOn, OwnMfa
from services.auth.events import UserMfaDisabled, UserMfaEnabled
from services.auth.sessions import Desk, end, fail, require_open
from shared.database.session import transaction
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.messaging.events import emit


@dataclass(frozen=True)
class Enrolment:
    secret: str
    otpauth_uri: str


async def enroll(desk: Desk, who: Principal, password: str | None, client: Client) -> Enrolment:
    """A new secret for the app; it counts once confirmed. Raises ReauthenticationNeeded, MfaOn."""
    await credentials.require_fresh(desk, who, password, client)
    secret = pyotp.random_base32()
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        if not await queries.enroll_mfa(session, who.id, desk.seal.encrypt(codes.PURPOSE, secret.encode())):
            raise MfaOn
        person = await queries.user(session, who.id)
    name = person.email if person else None
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=codes.ISSUER))


async def confirm(desk: Desk, who: Principal, code: str) -> list[str]:
    """Switches the second factor on; the recovery codes, which nobody can read again. Raises MfaOff, InvalidCode."""
    shown, kept = codes.recovery_codes(desk.seal)
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await require_open(session, who)
        sealed = await queries.mfa_secret(session, who.id, confirmed=False)
        if sealed is None:
            raise MfaOff
        step = codes.proof(desk.seal, sealed, code).step
        if step is None or not await queries.confirm_mfa(session, who.id, sealed, step, kept):
            raise InvalidCode
        person = await queries.user(session, who.id)
        emit(session, UserMfaEnabled(version=person.version if person else 1, user_id=who.id))
    return shown


async def disable(desk: Desk, who: Principal, code: str, client: Client) -> None:
    """Takes a code, of either kind. Raises MfaOff, InvalidCode; counts a wrong code as a failed login."""
    attempt = await credentials.attempt_of(desk, who, client)
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        sealed = await queries.mfa_secret(session, who.id, confirmed=True)
        outcome = await queries.disable_mfa(session, who.id, codes.proof(desk.seal, sealed, code), attempt)
        if outcome == "right":
            person = await queries.user(session, who.id)
            emit(session, UserMfaDisabled(version=person.version if person else 1, user_id=who.id))
        elif outcome != "off":
            await fail(session, who.id, attempt, "code")
    if outcome == "off":
        raise MfaOff
    if outcome != "right":
        raise InvalidCode


async def remove(session: AsyncSession, admin: Principal, user_id: UUID) -> None:
    """Another's, which takes no code. Raises OwnMfa, NotFound, MfaOff."""
    if user_id == admin.id:
        raise OwnMfa
    person = await users.existing(session, user_id, lock=True)
    if not await queries.remove_mfa(session, user_id):
        raise MfaOff
    emit(session, UserMfaDisabled(version=person.version, user_id=user_id))
    await end(session, user_id, "revoked")
