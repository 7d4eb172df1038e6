"""Passkeys: adding, naming and removing them, and signing in with one, which counts as both factors."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import base64url_to_bytes

from services.auth.context import AuthContext
from services.auth.errors import InvalidPasskey, PasskeyLimit, PasskeyRefused
from services.auth.events import LoginFailed, SessionStarted, UserPasskeyAdded, UserPasskeyRemoved
from services.auth.logins.attempts import Attempt
from services.auth.logins.client import Client
from services.auth.logins.lockout import LOGINS
from services.auth.passkeys import challenges, queries
from services.auth.passkeys.relying_party import InvalidResponse, RelyingParty, challenge_in
from services.auth.passwords.service import require_recent_login
from services.auth.sessions.queries import mark_second_factor
from services.auth.sessions.refresh_tokens import REFRESH, create_refresh_token
from services.auth.sessions.service import require_open
from services.auth.sessions.tokens import Tokens, issue_tokens, session_expires
from services.auth.users.service import require_user
from shared.database.session import transaction
from shared.errors import NotFound
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.messaging.events import emit, new_id
from shared.observability.context import act_as
from shared.observability.log import logger

LOGIN = "login"
MAC = "passkeys"  # purpose of the key

log = logger(__name__)


def _registration(principal: Principal) -> str:
    return f"registration {principal.session_id}"


def _mac_content(user_id: UUID, passkey_id: UUID, credential_id: bytes, public_key: bytes) -> bytes:
    return json.dumps([str(user_id), str(passkey_id), credential_id.hex(), public_key.hex()]).encode()


async def start_registration(
    context: AuthContext, principal: Principal, password: str | None, client: Client
) -> dict[str, Any]:
    """Options for the browser. Needs a recent login or the password. Raises ReauthenticationNeeded, WrongPassword."""
    await require_recent_login(context, principal, password, client)
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        user = await require_user(session, principal.id)
        known = [row.credential_id for row in await queries.of_user(session, principal.id)]
    challenge = challenges.create(context.encryption, _registration(principal))
    return RelyingParty(context.settings).registration_options(challenge, principal.id, user.email, known)


async def register(context: AuthContext, principal: Principal, name: str, credential: dict[str, Any]) -> Row[Any]:
    """Adds a passkey. Raises Unauthorized, PasskeyRefused, PasskeyLimit."""
    try:
        challenge = challenges.read(context.encryption, _registration(principal), challenge_in(credential))
        if challenge is None:
            raise PasskeyRefused
        new = RelyingParty(context.settings).verify_registration(credential, challenge.content)
    except InvalidResponse as error:
        raise PasskeyRefused from error
    passkey_id = new_id()
    mac = context.encryption.mac(MAC, _mac_content(principal.id, passkey_id, new.credential_id, new.public_key))
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        await require_open(session, principal)
        outcome = await queries.add(
            session, user=principal.id, id=passkey_id, credential=new.credential_id, key=new.public_key,
            count=new.sign_count, name=name, mac=mac, challenge=challenge.content,
            challenge_expires=challenge.expires,
        )  # fmt: skip
        if outcome != "added":
            raise PasskeyLimit if outcome == "too_many" else PasskeyRefused
        await mark_second_factor(session, principal)
        user = await require_user(session, principal.id)
        emit(session, UserPasskeyAdded(version=user.version, user_id=principal.id))
        return next(row for row in await queries.of_user(session, principal.id) if row.id == passkey_id)


async def list_own(session: AsyncSession, principal: Principal) -> Sequence[Row[Any]]:
    return await queries.of_user(session, principal.id)


async def rename(session: AsyncSession, principal: Principal, passkey_id: UUID, name: str) -> Row[Any]:
    """Raises NotFound."""
    if not await queries.rename(session, principal.id, passkey_id, name):
        raise NotFound
    return next(row for row in await queries.of_user(session, principal.id) if row.id == passkey_id)


async def remove(session: AsyncSession, principal: Principal, passkey_id: UUID) -> None:
    """Raises NotFound."""
    if not await queries.remove(session, principal.id, passkey_id):
        raise NotFound
    user = await require_user(session, principal.id)
    emit(session, UserPasskeyRemoved(version=user.version, user_id=principal.id))


async def start_login(context: AuthContext) -> dict[str, Any]:
    return RelyingParty(context.settings).login_options(challenges.create(context.encryption, LOGIN))


async def log_in(context: AuthContext, credential: dict[str, Any], client: Client) -> Tokens:
    """Opens a session. Raises InvalidPasskey alike for an unknown passkey and a wrong response."""
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        passkey = await queries.find(session, _credential_id(credential))
    try:
        challenge, count = _verify(context, credential, passkey)
    except (InvalidResponse, ValueError) as error:
        await _record_failure(context, passkey)
        raise InvalidPasskey from error
    assert passkey is not None  # noqa: S101 - _verify() refuses None
    session_id = new_id()
    token = create_refresh_token(session_id)
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        opened = await queries.open_session(
            session, session=session_id, user=passkey.user_id, id=passkey.id, count=count,
            challenge=challenge.content, challenge_expires=challenge.expires,
            token=context.encryption.token_digests(REFRESH, token)[0], expires=session_expires(context, session_id),
            address=Attempt.create(context.encryption, "", client).address, agent=client.user_agent,
            host=client.address,
        )  # fmt: skip
        if opened.outcome == "opened":
            act_as(str(passkey.user_id), opened.role)
            started = {"version": 1, "session_id": session_id, "user_id": passkey.user_id}
            emit(session, SessionStarted(**started, new_device=opened.new_device))
    if opened.outcome != "opened":
        await _record_failure(context, passkey)
        raise InvalidPasskey
    LOGINS.labels("ok").inc()
    return await issue_tokens(context, passkey.user_id, opened.role, session_id, token)


def _credential_id(credential: dict[str, Any]) -> bytes:
    try:
        return base64url_to_bytes(credential["rawId"])
    except ValueError:
        return b""


def _verify(
    context: AuthContext, credential: dict[str, Any], passkey: Row[Any] | None
) -> tuple[challenges.Challenge, int]:
    """The challenge and the new sign count. Raises InvalidResponse."""
    challenge = challenges.read(context.encryption, LOGIN, challenge_in(credential))
    if passkey is None or challenge is None:
        raise InvalidResponse
    content = _mac_content(passkey.user_id, passkey.id, passkey.credential_id, passkey.public_key)
    if not context.encryption.is_mac(MAC, content, passkey.mac):
        log.error("passkey_not_authentic", passkey_id=str(passkey.id))
        raise InvalidResponse
    handle = credential["response"].get("userHandle")
    if handle is None or base64url_to_bytes(handle) != passkey.user_id.bytes:
        raise InvalidResponse
    party = RelyingParty(context.settings)
    return challenge, party.verify_login(credential, challenge.content, passkey.public_key, passkey.sign_count)


async def _record_failure(context: AuthContext, passkey: Row[Any] | None) -> None:
    """A signature cannot be guessed, so that no failure locks anything."""
    LOGINS.labels("credentials").inc()
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        emit(session, LoginFailed(version=1, user_id=passkey.user_id if passkey else None, reason="credentials"))
