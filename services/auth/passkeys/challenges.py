"""Challenges of passkeys: valid for five minutes, once, and for what they were made for.

A challenge is made without the database: random bytes, its end and an HMAC. The database only keeps those that were
used, so that nobody fills it by asking for challenges.
"""

import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from services.auth.encryption import Encryption

SECONDS = 300
RANDOM_BYTES, END_BYTES, MAC_BYTES = 16, 8, 32


@dataclass(frozen=True)
class Challenge:
    content: bytes
    expires: datetime


def create(encryption: Encryption, purpose: str) -> bytes:
    """`purpose`: what it is for, and for whom."""
    start = secrets.token_bytes(RANDOM_BYTES) + (int(time.time()) + SECONDS).to_bytes(END_BYTES)
    return start + encryption.mac(f"passkey {purpose}", start)


def read(encryption: Encryption, purpose: str, content: bytes) -> Challenge | None:
    """None unless it was made here for this purpose and has not expired."""
    start, mac = content[:-MAC_BYTES], content[-MAC_BYTES:]
    right = any(hmac.compare_digest(known, mac) for known in encryption.macs(f"passkey {purpose}", start))
    if not right or len(start) != RANDOM_BYTES + END_BYTES:
        return None
    expires = int.from_bytes(start[RANDOM_BYTES:])
    return Challenge(content, datetime.fromtimestamp(expires, UTC)) if expires > time.time() else None
