"""Rotation of the signing keys: a key is published before it signs, and until its last token has expired."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.encryption import Encryption
from services.auth.events import KeysRotated
from services.auth.settings import AuthSettings
from services.auth.signing_keys import queries
from services.auth.signing_keys.keys import SigningKey, generate_key
from services.auth.signing_keys.published import MAC, kept_keys, mac_content
from shared.messaging.events import emit

PURPOSE = "signing-keys"  # of the encryption key
# A key is published this much longer than its tokens live, for replicas that still have it cached and for clock drift.
MARGIN = timedelta(seconds=120)
NO_DELAY = timedelta(0)


def published_after_use(settings: AuthSettings) -> timedelta:
    """How long a key stays published after it last signed: until the last token signed with it has expired."""
    return timedelta(minutes=settings.access_token_expire_minutes) + MARGIN


async def rotate(session: AsyncSession, settings: AuthSettings, *, at_once: bool = False) -> str:
    """Adds a key and returns its id. It signs after KEY_PUBLISH_AHEAD_SECONDS, when verifiers have fetched it.

    With `at_once` it signs immediately and all other keys are withdrawn.
    """
    key = await asyncio.to_thread(generate_key)
    await queries.lock_signing_keys(session)
    delay = NO_DELAY if at_once else timedelta(seconds=settings.key_publish_ahead_seconds)
    await add_key(session, settings, key, delay)
    if at_once:
        others = [row.kid for row in await queries.kept_keys(session) if row.kid != key.kid]
        await queries.withdraw_keys(session, others)
    return key.kid


async def add_key(session: AsyncSession, settings: AuthSettings, key: SigningKey, delay: timedelta) -> None:
    """Stores the key, encrypted. It is published now and signs after the delay. Emits keys.rotated.v1."""
    encryption = Encryption(settings)
    encrypted, signs_from = encryption.encrypt(PURPOSE, key.pem), await queries.now(session) + delay
    mac = encryption.mac(MAC, mac_content(key.kid, key.public_jwk, encrypted, signs_from))
    await queries.insert_key(session, key.kid, key.public_jwk, encrypted, signs_from, mac)
    emit(session, KeysRotated(version=1, kid=key.kid))


async def rotate_if_due(session: AsyncSession, settings: AuthSettings, now: datetime) -> str | None:
    """Withdraws the keys whose tokens have all expired, and rotates if the newest key is KEY_ROTATION_DAYS old.

    Returns the id of the new key, if there is one.
    """
    keys = await kept_keys(session, Encryption(settings), published_after_use(settings))
    await queries.withdraw_keys(session, [key.kid for key in keys if not key.published])
    if not keys or not settings.key_rotation_days:
        return None
    if keys[0].signs_from > now - timedelta(days=settings.key_rotation_days):
        return None
    return await rotate(session, settings)
