"""CSRF tokens of cookie sessions: one a session, derived from its id."""

import base64
import hmac
from uuid import UUID

from services.auth.encryption import Encryption
from services.auth.errors import InvalidCsrfToken
from services.auth.sessions.refresh_tokens import session_id_in


def csrf_token(encryption: Encryption, session_id: UUID) -> str:
    return _encode(encryption.mac("csrf", session_id.bytes))


def _encode(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def check_csrf(encryption: Encryption, refresh_token: str, token: str | None) -> None:
    """Raises InvalidCsrfToken unless the token belongs to the session of the refresh token."""
    session_id = session_id_in(refresh_token)
    if session_id is None or token is None:
        raise InvalidCsrfToken
    known = (_encode(mac) for mac in encryption.macs("csrf", session_id.bytes))
    if not any(hmac.compare_digest(right.encode(), token.encode()) for right in known):
        raise InvalidCsrfToken
