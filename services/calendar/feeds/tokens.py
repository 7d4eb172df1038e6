"""Tokens of feed addresses: made from the feed's id with a derived key, and stored only as a hash (ADR 23)."""

import hashlib
import re
from base64 import urlsafe_b64encode
from uuid import UUID

from services.calendar.settings import CalendarSettings
from shared.identity.derived_keys import keys_from

PURPOSE = "calendar feed"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def feed_token(settings: CalendarSettings, feed_id: UUID) -> str:
    """The same for each call, so that a request repeated under its idempotency key gets the same address."""
    return urlsafe_b64encode(keys_from(settings, "calendar").sign(PURPOSE, feed_id.bytes)).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def is_token(text: str) -> bool:
    return TOKEN.fullmatch(text) is not None
