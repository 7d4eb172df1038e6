"""Tokens of feed addresses: derived from the feed's id and the secret key, and stored only as a hash (ADR 23)."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from uuid import UUID

from services.calendar.settings import CalendarSettings

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def feed_token(settings: CalendarSettings, feed_id: UUID) -> str:
    """The same for each call, so that a request repeated under its idempotency key gets the same address."""
    secret = settings.secret_key.get_secret_value().encode()
    return urlsafe_b64encode(hmac.digest(secret, f"calendar feed {feed_id}".encode(), "sha256")).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def is_token(text: str) -> bool:
    return TOKEN.fullmatch(text) is not None
