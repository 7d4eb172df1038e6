"""Which signing keys are published: those that auth made itself, while one of their tokens may be valid.

Each row carries a MAC under a key derived from SECRET_KEY. A row without a right one was made or changed by somebody
who has the database only: it neither signs nor is published.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.encryption import Encryption
from services.auth.signing_keys import queries
from shared.observability.log import logger

MAC = "signing-keys mac"  # purpose of the key

log = logger(__name__)


def mac_content(kid: str, jwk: dict[str, Any], private_key: bytes, signs_from: datetime) -> bytes:
    """What the MAC of a key covers. `private_key` is encrypted."""
    parts = [kid, jwk, private_key.hex(), round(signs_from.timestamp() * 1_000_000)]
    return json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()


def is_authentic(encryption: Encryption, row: Row[Any]) -> bool:
    """Whether auth itself made the row. Logs an error if not."""
    content = mac_content(row.kid, row.public_jwk, row.private_key or b"", row.signs_from)
    if encryption.is_mac(MAC, content, row.mac):
        return True
    log.error("signing_key_not_authentic", kid=row.kid[:64])
    return False


@dataclass(frozen=True)
class KeptKey:
    kid: str
    public_jwk: dict[str, Any]
    private_key: bytes = field(repr=False)  # encrypted
    signs_from: datetime
    begun: bool  # it may sign already
    published: bool


async def kept_keys(session: AsyncSession, encryption: Encryption, after_use: timedelta) -> Sequence[KeptKey]:
    """Auth's own keys that are not withdrawn, the newest first.

    Published are keys that will sign, the key that signs, and keys that signed until `after_use` ago.
    """
    now = await queries.now(session)
    keys: list[KeptKey] = []
    for row in await queries.kept_keys(session):
        if is_authentic(encryption, row):
            published = not keys or keys[-1].signs_from > now - after_use
            begun = row.signs_from <= now
            keys.append(KeptKey(row.kid, row.public_jwk, row.private_key, row.signs_from, begun, published))
    return keys


async def published_keys(session: AsyncSession, encryption: Encryption, after_use: timedelta) -> Sequence[KeptKey]:
    return [key for key in await kept_keys(session, encryption, after_use) if key.published]
