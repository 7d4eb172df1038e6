"""Signing in, staying in, leaving: access tokens of minutes, refresh tokens that each work once."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import jwt
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import queries
from services.auth.errors import InvalidCredentials, InvalidRefreshToken
from services.auth.events import LoginFailed, SessionRevoked, SessionStarted
from services.auth.keys import Keys
from services.auth.passwords import Passwords
from services.auth.settings import AuthSettings
from shared.auth import SERVICE_CLAIMS, Principal
from shared.context import act_as
from shared.db import Database, transaction
from shared.events import emit, new_id
from shared.tokens import ALGORITHM

Reason = Literal["logout", "reused", "password_changed", "role_changed", "deactivated", "erased"]


@dataclass(frozen=True)
class Tokens:
    access_token: str
    refresh_token: str
    expires_in: int


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Desk:
    """Where people come in: holds what every login needs."""

    def __init__(self, settings: AuthSettings, database: Database, keys: Keys, passwords: Passwords) -> None:
        self.settings = settings
        self.database = database
        self.keys = keys
        self.passwords = passwords

    async def log_in(self, email: str, password: str) -> Tokens:
        """Raises InvalidCredentials for an unknown address, a wrong password and a deactivated user alike."""
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            found = await queries.begin_login(session, email)
        if not await self.passwords.matches(password, found.password_hash if found else None):
            await self._record_failure(found.user_id if found else None)
            raise InvalidCredentials
        assert found is not None  # noqa: S101 - nothing matches a hash that is not there
        session_id, refresh = new_id(), secrets.token_urlsafe(32)
        access = await self._access_token(found.user_id, found.role, session_id)
        act_as(str(found.user_id), found.role)
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            await queries.open_session(session, session_id, found.user_id, digest(refresh), self._expires())
            emit(session, SessionStarted(version=1, session_id=session_id, user_id=found.user_id))
        return Tokens(access, refresh, self._lifetime)

    async def _record_failure(self, user_id: UUID | None) -> None:
        # A transaction of its own: the refusal that follows must not undo the record of it.
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            emit(session, LoginFailed(version=1, user_id=user_id, reason="credentials"))

    async def refresh(self, token: str) -> Tokens:
        """A new pair for a refresh token that was not used before. Raises InvalidRefreshToken."""
        fresh = secrets.token_urlsafe(32)
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            row = await queries.rotate(session, digest(token), digest(fresh), self._expires())
            if row.outcome == "reused":
                # Somebody else has it too: nobody of this session stays in.
                announce(session, row.user_id, row.session_id, "reused")
        if row.outcome != "rotated":
            raise InvalidRefreshToken
        access = await self._access_token(row.user_id, row.role, row.session_id)
        return Tokens(access, fresh, self._lifetime)

    async def change_password(self, who: Principal, old: str, new: str) -> None:
        """Ends the other sessions. Raises InvalidCredentials when the old password is not the one."""
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            known = await queries.password_hash(session, who.id)
        if not await self.passwords.matches(old, known):
            raise InvalidCredentials
        hashed = await self.passwords.hash(new)
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            await queries.set_password(session, who.id, hashed)
            for ended in await queries.revoke(session, who.id, but=who.session_id):
                announce(session, who.id, ended, "password_changed")

    @property
    def _lifetime(self) -> int:
        return self.settings.access_token_expire_minutes * 60

    def _expires(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.settings.refresh_token_expire_days)

    async def _access_token(self, user_id: UUID, role: str, session_id: UUID) -> str:
        key = await self.keys.signing()
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.settings.public_url,
            "aud": self.settings.jwt_audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role,
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
            "jti": str(new_id()),
        }
        return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid})


def announce(session: AsyncSession, user_id: UUID, session_id: UUID | None, reason: Reason) -> None:
    emit(session, SessionRevoked(version=2, user_id=user_id, session_id=session_id, reason=reason))


async def log_out(session: AsyncSession, who: Principal) -> None:
    for ended in await queries.revoke(session, who.id, only=who.session_id):
        announce(session, who.id, ended, "logout")


async def end_all(session: AsyncSession, user_id: UUID, reason: Reason) -> None:
    """End every session of a user; announced even when none is open, for tokens that are still out."""
    await queries.revoke(session, user_id)
    announce(session, user_id, None, reason)
