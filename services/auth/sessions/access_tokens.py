"""Issues access tokens and WebSocket tickets, which are JWTs (RFC 7519) signed with RS256."""

import time
from typing import Any
from uuid import UUID

import jwt

from keys.tokens import ACCESS, ALGORITHM, TICKET
from services.auth.settings import AuthSettings
from services.auth.signing_keys.key_ring import KeyRing
from shared.messaging.events import new_id

TICKET_SECONDS = 30


def began_at(session_id: UUID) -> int:
    """When the user logged in, in seconds since 1970: a session's id is a UUIDv7, made at the login (RFC 9562)."""
    return (session_id.int >> 80) // 1000


class TokenIssuer:
    def __init__(self, settings: AuthSettings, signing_keys: KeyRing) -> None:
        self._settings = settings
        self._signing_keys = signing_keys

    @property
    def access_token_seconds(self) -> int:
        return self._settings.access_token_expire_minutes * 60

    async def access_token(self, user_id: UUID, role: str, session_id: UUID) -> str:
        return await self._sign(
            ACCESS, self._settings.jwt_audience, user_id, role, session_id, self.access_token_seconds
        )

    async def ticket(self, user_id: UUID, role: str, session_id: UUID, session_exp: int) -> str:
        """A ticket opens one WebSocket within 30 s.

        `session_exp`: when the caller's access token expires, and the socket with it, in seconds since 1970.
        """
        audience = f"{self._settings.jwt_audience}-ws"
        return await self._sign(TICKET, audience, user_id, role, session_id, TICKET_SECONDS, session_exp=session_exp)

    async def _sign(
        self, kind: str, audience: str, user_id: UUID, role: str, session_id: UUID, seconds: int, **more: Any
    ) -> str:
        key = await self._signing_keys.signing_key()
        now = int(time.time())
        claims = {
            "iss": self._settings.public_url,
            "aud": audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role,
            "auth_time": began_at(session_id),
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": str(new_id()),
            **more,
        }
        return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid, "typ": kind})
