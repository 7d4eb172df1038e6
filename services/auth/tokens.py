"""The tokens auth hands out: access tokens, tickets for WebSockets, refresh tokens and what guards their cookie."""

import base64
import binascii
import hmac
import secrets
import time
from typing import Any
from uuid import UUID

import jwt

from services.auth.keys import Keys
from services.auth.sealing import Seal
from services.auth.settings import AuthSettings
from shared.identity.tokens import ALGORITHM
from shared.messaging.events import new_id

TICKET_SECONDS = 30
ID_BYTES = 16


class Mint:
    def __init__(self, settings: AuthSettings, keys: Keys) -> None:
        self._settings = settings
        self._keys = keys

    @property
    def lifetime(self) -> int:
        """Of an access token, in seconds."""
        return self._settings.access_token_expire_minutes * 60

    async def access_token(self, user_id: UUID, role: str, session_id: UUID) -> str:
        return await self._sign(self._settings.jwt_audience, user_id, role, session_id, self.lifetime)

    async def ticket(self, user_id: UUID, role: str, session_id: UUID, session_exp: int) -> str:
        """Opens one WebSocket within 30 s, good until the access token it was asked for with expires."""
        audience = f"{self._settings.jwt_audience}-ws"
        return await self._sign(audience, user_id, role, session_id, TICKET_SECONDS, session_exp=session_exp)

    async def _sign(self, audience: str, user_id: UUID, role: str, session_id: UUID, seconds: int, **more: Any) -> str:
        key = await self._keys.signing()
        now = int(time.time())
        claims = {
            "iss": self._settings.public_url,
            "aud": audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": str(new_id()),
            **more,
        }
        return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid})


def _encoded(session_id: UUID, secret: bytes) -> str:
    return base64.urlsafe_b64encode(session_id.bytes + secret).decode().rstrip("=")


def refresh_token(session_id: UUID) -> str:
    """Opaque to its holder; to us it names its session: a CSRF token is checked before the database is asked."""
    return _encoded(session_id, secrets.token_bytes(32))


def session_in(token: str) -> UUID | None:
    """The session that a refresh token claims to belong to; only the database knows whether it does."""
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return UUID(bytes=content[:ID_BYTES]) if len(content) == ID_BYTES + 32 else None


def successor(seal: Seal, token: str, session_id: UUID) -> str:
    """The refresh token that follows this one: always the same, so that a retry can be answered without keeping it."""
    return _encoded(session_id, seal.mac("refresh", token))


def csrf_token(seal: Seal, session_id: UUID) -> str:
    return base64.urlsafe_b64encode(seal.mac("csrf", session_id.bytes)).decode().rstrip("=")


def csrf_holds(seal: Seal, session_id: UUID, given: str | None) -> bool:
    return given is not None and hmac.compare_digest(csrf_token(seal, session_id).encode(), given.encode())
