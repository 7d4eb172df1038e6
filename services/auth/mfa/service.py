"""Switching the second factor on and off, and removing it from a user who lost phone and recovery codes."""

from dataclasses import dataclass
from uuid import UUID

import pyotp
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.context import AuthContext
from services.auth.errors import MfaOff, MfaOn, OwnMfa, WrongCode
from services.auth.events import UserMfaDisabled, UserMfaEnabled
from services.auth.logins.client import Client
from services.auth.logins.lockout import record_failure
from services.auth.logins.queries import is_locked
from services.auth.mfa import codes, queries
from services.auth.passwords.service import attempt_of_caller, require_recent_login
from services.auth.sessions.queries import mark_second_factor
from services.auth.sessions.service import end_sessions
from services.auth.users.queries import get_user
from services.auth.users.service import require_user
from shared.database.session import transaction
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.messaging.events import emit


@dataclass(frozen=True)
class Enrolment:
    secret: str
    otpauth_uri: str


async def enroll(context: AuthContext, principal: Principal, password: str | None, client: Client) -> Enrolment:
    """Creates a secret for the app. It counts once it is confirmed. Raises ReauthenticationNeeded, MfaOn."""
    await require_recent_login(context, principal, password, client)
    secret = pyotp.random_base32()
    encrypted = context.encryption.encrypt(codes.PURPOSE, secret.encode())
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        if not await queries.enroll_mfa(session, principal.id, encrypted):
            raise MfaOn
        user = await get_user(session, principal.id)
    name = user.email if user else None
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=codes.ISSUER))


async def confirm(context: AuthContext, principal: Principal, code: str, client: Client) -> list[str]:
    """Switches the second factor on, ends the other sessions, which have not shown it, and returns recovery codes.

    The codes cannot be read again. A wrong code counts as a failed login. Raises MfaOff, WrongCode.
    """
    attempt = await attempt_of_caller(context, principal, client)
    recovery_codes, hashes = codes.create_recovery_codes(context.encryption)
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        encrypted = await queries.mfa_secret(session, principal.id, confirmed=False)
        if encrypted is None:
            raise MfaOff
        step = codes.read_code(context.encryption, encrypted, code).step
        known = step is not None and not await is_locked(session, principal.id, attempt)
        if known and await queries.confirm_mfa(session, principal.id, encrypted, step, hashes):
            user = await get_user(session, principal.id)
            emit(session, UserMfaEnabled(version=user.version if user else 1, user_id=principal.id))
            await mark_second_factor(session, principal)
            await end_sessions(session, principal.id, "revoked", except_=principal.session_id)
            return recovery_codes
        await record_failure(session, principal.id, attempt, "code")
    raise WrongCode


async def disable(context: AuthContext, principal: Principal, code: str, client: Client) -> None:
    """Takes a code of the app or a recovery code. A wrong one counts as a failed login. Raises MfaOff, WrongCode."""
    attempt = await attempt_of_caller(context, principal, client)
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        encrypted = await queries.mfa_secret(session, principal.id, confirmed=True)
        submitted = codes.read_code(context.encryption, encrypted, code)
        outcome = await queries.disable_mfa(session, principal.id, submitted, attempt)
        if outcome == "right":
            user = await get_user(session, principal.id)
            emit(session, UserMfaDisabled(version=user.version if user else 1, user_id=principal.id))
        elif outcome != "off":
            await record_failure(session, principal.id, attempt, "code")
    if outcome == "off":
        raise MfaOff
    if outcome != "right":
        raise WrongCode


async def remove(session: AsyncSession, admin: Principal, user_id: UUID) -> None:
    """Removes another user's second factor without a code and ends their sessions. Raises OwnMfa, NotFound, MfaOff."""
    if user_id == admin.id:
        raise OwnMfa
    user = await require_user(session, user_id, lock=True)
    if not await queries.remove_mfa(session, user_id):
        raise MfaOff
    emit(session, UserMfaDisabled(version=user.version, user_id=user_id))
    await end_sessions(session, user_id, "revoked")


async def reencrypt_secret(context: AuthContext, user_id: UUID, encrypted: bytes | None) -> None:
    """Encrypts the secret with SECRET_KEY if it is still encrypted with SECRET_KEY_PREVIOUS."""
    reencrypted = encrypted and context.encryption.reencrypt(codes.PURPOSE, encrypted)
    if encrypted and reencrypted:
        async with transaction(context.database, SERVICE_CLAIMS) as session:
            await queries.replace_secret(session, user_id, encrypted, reencrypted)
