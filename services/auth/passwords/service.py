"""Changing a password, verifying it again, and setting a new one with a mailed token."""

from datetime import timedelta
from uuid import UUID

from services.auth.context import AuthContext
from services.auth.errors import InvalidOneTimeToken, ReauthenticationNeeded, WrongPassword
from services.auth.events import PasswordReason, UserPasswordChanged
from services.auth.logins.attempts import Attempt
from services.auth.logins.client import Client
from services.auth.logins.lockout import record_failure
from services.auth.logins.queries import clear_failures
from services.auth.mfa.queries import mfa_secret
from services.auth.one_time_tokens.proofs import announce
from services.auth.one_time_tokens.service import RESET, RESET_LIFETIME, find_token, mail_token
from services.auth.passwords import queries
from services.auth.passwords.sealing import seal_hash, unseal_hash
from services.auth.passwords.strength import require_strong
from services.auth.sessions.service import end_sessions, require_open
from services.auth.users.queries import get_user
from services.auth.users.service import require_user
from shared.database.session import transaction
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.messaging.events import emit
from shared.observability.context import act_as

RECENT_LOGIN = timedelta(minutes=10)
OLD_PASSWORD, NEW_PASSWORD = "old_password", "new_password"


async def attempt_of_caller(context: AuthContext, principal: Principal, client: Client) -> Attempt:
    """The keys of the caller's own account, under which logins count failures too. Raises Unauthorized."""
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        await require_open(session, principal)
        user = await get_user(session, principal.id)
    return Attempt.create(context.encryption, user.email if user else "", client)


async def verify_password(
    context: AuthContext, principal: Principal, password: str, client: Client, field: str = "password"
) -> object:
    """Checks the caller's password and returns when it was set. Raises WrongPassword, and counts the failure.

    `field`: the name of the field that the password was sent in.
    """
    attempt = await attempt_of_caller(context, principal, client)
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        credentials = await queries.begin_change(session, principal.id, principal.session_id, attempt)
    sealed = credentials.password_hash if credentials else None
    password_hash = sealed and unseal_hash(context.keys, principal.id, sealed)
    if not await context.passwords.matches(password, password_hash):
        async with transaction(context.database, SERVICE_CLAIMS) as session:
            await record_failure(session, principal.id, attempt, "credentials")
        raise WrongPassword(field)
    assert credentials is not None  # noqa: S101 - no password matches without a hash
    return credentials.changed_at


async def require_recent_login(
    context: AuthContext, principal: Principal, password: str | None, client: Client
) -> None:
    """To change how one logs in, the session must be younger than ten minutes, or the password must be given.

    Raises Unauthorized, ReauthenticationNeeded, WrongPassword.
    """
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        is_recent = await require_open(session, principal, RECENT_LOGIN)
    if password is not None:
        await verify_password(context, principal, password, client)
    elif not is_recent:
        raise ReauthenticationNeeded


async def change_password(context: AuthContext, principal: Principal, old: str, new: str, client: Client) -> None:
    """Ends the caller's other sessions. Raises WrongPassword when the old one is wrong."""
    changed_at = await verify_password(context, principal, old, client, OLD_PASSWORD)
    await _require_strong(context, principal.id, new)
    values = {"user": principal.id, "session": principal.session_id, "changed_at": changed_at}
    password_hash = seal_hash(context.keys, principal.id, await context.passwords.hash(new))
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        if not await queries.change_password(session, **values, hash=password_hash):
            raise WrongPassword(OLD_PASSWORD)
        user = await require_user(session, principal.id)
        emit(session, UserPasswordChanged(version=user.version, user_id=principal.id, reason="changed"))
        await end_sessions(session, principal.id, "password_changed", except_=principal.session_id)


async def _require_strong(context: AuthContext, user_id: UUID, new: str) -> None:
    """Raises one of PASSWORD_RULES."""
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        user = await require_user(session, user_id)
        second_factor = await mfa_secret(session, user_id, confirmed=True) is not None
    await require_strong(new, (user.full_name, user.email), second_factor=second_factor, field=NEW_PASSWORD)


async def request_reset(context: AuthContext, email: str) -> None:
    """Has a link to set a new password mailed to the user with this address, if there is one."""
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        await mail_token(session, email, RESET, RESET_LIFETIME)


async def reset_password(context: AuthContext, token: str, new: str, client: Client, browser: bytes) -> None:
    """Ends all sessions of the user and clears the failed logins of the account. Raises InvalidOneTimeToken.

    `browser`: digest of the cookie of the browser that does it.
    """
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        valid = await find_token(session, token, RESET)
    await _require_strong(context, valid.user_id, new)
    password_hash = seal_hash(context.keys, valid.user_id, await context.passwords.hash(new))
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        address = Attempt.create(context.encryption, "", client).address
        user = await queries.reset_password(session, valid, password_hash, address, browser)
        if user is None:
            raise InvalidOneTimeToken
        act_as(str(user.user_id), None)
        await clear_failures(session, Attempt.create(context.encryption, user.email, client))
        await announce(session, user)
        reason: PasswordReason = "first" if user.first else "reset"
        emit(session, UserPasswordChanged(version=user.version, user_id=user.user_id, reason=reason))
        await end_sessions(session, user.user_id, "password_reset")
