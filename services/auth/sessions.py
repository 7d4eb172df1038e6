"""Signing in, staying in, leaving: access tokens of minutes, refresh tokens that each work once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.auth import codes, entries, queries
from services.auth.clients import Attempt, Client
from services.auth.entries import Known
from services.auth.errors import CodeNeeded, InvalidCode, InvalidCredentials, InvalidCsrfToken, InvalidRefreshToken
from services.auth.events import LoginFailed, LoginLocked, Reason, SessionRevoked
from services.auth.keys import Keys
from services.auth.passwords import Passwords
from services.auth.sealing import Seal, digest
from services.auth.settings import AuthSettings
from services.auth.tokens import Mint, csrf_holds, csrf_token, refresh_token, session_in, successor
from shared.database.session import Database, transaction
from shared.errors import NotFound, Unauthorized
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.messaging.events import emit, new_id
from shared.observability.context import act_as

LOGINS = Counter("auth_logins_total", "Logins: ok, code_needed, or why refused: credentials, code, locked", ["outcome"])
COUNTED = {"opened": "ok", "code_needed": "code_needed", "code_wrong": "code", "refused": "locked"}


@dataclass(frozen=True)
class Tokens:
    access_token: str
    refresh_token: str
    expires_in: int
    csrf_token: str


class Desk:
    """Where people come in: holds what every login needs."""

    def __init__(self, settings: AuthSettings, database: Database, keys: Keys, passwords: Passwords) -> None:
        self.settings = settings
        self.database = database
        self.keys = keys
        self.passwords = passwords
        self.seal = Seal(settings)
        self.mint = Mint(settings, keys)

    async def log_in(self, email: str, password: str, code: str | None, client: Client) -> Tokens:
        """Raises InvalidCredentials for an unknown address, a wrong password, a deactivated and a locked user alike;
        CodeNeeded or InvalidCode when the password is right and a second factor stands behind it."""
        attempt = Attempt.of(self.seal, email, client)
        found = await entries.begin_login(self.database, email, attempt)
        if not await self.passwords.matches(password, found.password_hash) or found.known is None:
            async with transaction(self.database, SERVICE_CLAIMS) as session:
                await fail(session, found.user_id, attempt, "locked" if found.locked else "credentials")
            raise InvalidCredentials
        return await self._open(found.known, password, code, attempt, client)

    async def _open(self, found: Known, password: str, code: str | None, attempt: Attempt, client: Client) -> Tokens:
        session_id, proof = new_id(), codes.proof(self.seal, found.mfa_secret, code)
        refresh = refresh_token(session_id)
        opened = await entries.log_in(
            *(self.database, SERVICE_CLAIMS, attempt, proof),
            session=session_id,
            who=found,
            rehash=await self.passwords.renewed(password, found.password_hash),
            token=digest(refresh),
            expires=self._expires(),
            client=client,
        )
        self.database.notifier.poke()
        LOGINS.labels(COUNTED[opened.outcome]).inc()
        match opened.outcome:
            case "opened":
                act_as(str(found.user_id), opened.role)
                await self._reseal(found)
                return await self._tokens(found.user_id, opened.role, session_id, refresh)
            case "code_needed":
                raise CodeNeeded
            case "code_wrong":
                raise InvalidCode
            case _:
                raise InvalidCredentials

    async def _reseal(self, found: Known) -> None:
        """Once SECRET_KEY was changed, the second factor of whoever comes in is sealed with the new one."""
        sealed = found.mfa_secret and self.seal.renewed(codes.PURPOSE, found.mfa_secret)
        if found.mfa_secret and sealed:
            async with transaction(self.database, SERVICE_CLAIMS) as session:
                await queries.reseal_mfa(session, found.user_id, found.mfa_secret, sealed)

    async def refresh(self, token: str, client: Client) -> Tokens:
        """A new pair for a refresh token that was not used before; the same again for the same client's retry within
        ten seconds. Raises InvalidRefreshToken."""
        session_id = session_in(token)
        if session_id is None:
            raise InvalidRefreshToken
        fresh = successor(self.seal, token, session_id)
        # Where somebody else has the token too, nobody of its session stays in.
        row = await entries.refresh(
            *(self.database, SERVICE_CLAIMS, digest(token), digest(fresh)),
            expires=self._expires(),
            client=client.fingerprint(self.seal),
        )
        if row.holder is None:
            raise InvalidRefreshToken
        act_as(str(row.holder.id), row.holder.role)
        self.database.notifier.poke()
        if row.outcome not in {"rotated", "repeated"}:
            raise InvalidRefreshToken
        return await self._tokens(row.holder.id, row.holder.role, row.holder.session_id, fresh)

    async def refresh_cookie(self, cookie: str | None, csrf: str | None, client: Client) -> Tokens:
        """Raises InvalidRefreshToken, and InvalidCsrfToken before anything is used up."""
        if cookie is None:
            raise InvalidRefreshToken
        self.check_csrf(cookie, csrf)
        return await self.refresh(cookie, client)

    def check_csrf(self, cookie: str, given: str | None) -> None:
        """Raises InvalidCsrfToken unless the token is the one of the cookie's session."""
        session_id = session_in(cookie)
        if session_id is None or not csrf_holds(self.seal, session_id, given):
            raise InvalidCsrfToken

    async def holder(self, cookie: str, csrf: str | None) -> Principal:
        """Who the cookie of an open session belongs to. Raises InvalidCsrfToken, Unauthorized."""
        self.check_csrf(cookie, csrf)
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            found = await queries.session_of(session, digest(cookie))
        if found is None:
            raise Unauthorized
        act_as(str(found.user_id), found.role)
        return Principal(found.user_id, Role(found.role), found.session_id)

    def _expires(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.settings.refresh_token_expire_days)

    async def _tokens(self, user_id: UUID, role: str, session_id: UUID, refresh: str) -> Tokens:
        access = await self.mint.access_token(user_id, role, session_id)
        return Tokens(access, refresh, self.mint.lifetime, csrf_token(self.seal, session_id))


async def fail(session: AsyncSession, user_id: UUID | None, attempt: Attempt, reason: Any) -> None:
    """Count and announce a failure, in a transaction that the refusal following it must not undo."""
    LOGINS.labels(reason).inc()
    until = await queries.record_failure(session, user_id, attempt)
    emit(session, LoginFailed(version=1, user_id=user_id, reason=reason))
    if until is not None:
        emit(session, LoginLocked(version=1, user_id=user_id, until=until))


def announce(session: AsyncSession, user_id: UUID, session_id: UUID, reason: Reason) -> None:
    emit(session, SessionRevoked(version=2, user_id=user_id, session_id=session_id, reason=reason))


async def end(
    session: AsyncSession, user_id: UUID, reason: Reason, *, only: UUID | None = None, but: UUID | None = None
) -> int:
    """End a user's open sessions, or one of them, or all but one, and announce each; how many ended."""
    ended = await queries.revoke(session, user_id, only, but)
    for session_id in ended:
        announce(session, user_id, session_id, reason)
    return len(ended)


async def end_one(session: AsyncSession, who: Principal, session_id: UUID) -> None:
    """Raises NotFound for a session that is not open, or another's."""
    if not await end(session, who.id, "revoked", only=session_id):
        raise NotFound


async def require_open(session: AsyncSession, who: Principal, within: timedelta | None = None) -> bool:
    """Raises Unauthorized when the caller's session has ended since their token was made; else tells whether it began
    within that time."""
    age = await queries.session_age(session, who.id, who.session_id)
    if age is None:
        raise Unauthorized
    return within is None or age <= within
