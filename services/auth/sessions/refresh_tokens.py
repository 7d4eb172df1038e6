"""The format of refresh tokens: an id of the session and a secret, which clients treat as opaque."""

import base64
import binascii
import secrets
from uuid import UUID

from services.auth.encryption import Encryption

REFRESH = "refresh"  # purpose of the digests
ID_BYTES = 16
SECRET_BYTES = 32


def _encode(session_id: UUID, secret: bytes) -> str:
    return base64.urlsafe_b64encode(session_id.bytes + secret).decode().rstrip("=")


def create_refresh_token(session_id: UUID) -> str:
    """The first token of a session. It names the session, so that a CSRF token is checked without the database."""
    return _encode(session_id, secrets.token_bytes(SECRET_BYTES))


def next_refresh_token(encryption: Encryption, token: str, session_id: UUID) -> str:
    """The token that follows this one. It is derived, so that a retry gets the same answer (ADR 0011)."""
    return _encode(session_id, encryption.mac("refresh", token))


def session_id_in(token: str) -> UUID | None:
    """The session that a refresh token claims to belong to. Only the database knows whether it does."""
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return UUID(bytes=content[:ID_BYTES]) if len(content) == ID_BYTES + SECRET_BYTES else None
