"""Password hashes are encrypted under a key of SECRET_KEY before they reach the database.

So the database alone gives no hash to guess passwords from, and no hash that it was given lets anybody in: neither one
made without the key nor the one of another user, because the seal names the user (AES-256-GCM's associated data).
"""

import base64
import binascii
from contextlib import suppress
from uuid import UUID

from keys.derived import Keys, SealBroken, decrypt
from shared.observability.log import logger

PURPOSE = "auth password hashes"

log = logger(__name__)


def seal_hash(keys: Keys, user_id: UUID, password_hash: str) -> str:
    return base64.b64encode(keys.seal(PURPOSE, password_hash.encode(), str(user_id))).decode()


def unseal_hash(keys: Keys, user_id: UUID, sealed: str) -> str | None:
    """The Argon2id hash; None, with an error in the log, for what auth did not seal for this user."""
    try:
        return keys.unseal(PURPOSE, base64.b64decode(sealed, validate=True), str(user_id)).decode()
    except (SealBroken, binascii.Error):
        log.error("password_hash_not_authentic", user_id=str(user_id))  # noqa: TRY400 - the trace adds nothing
        return None


def reseal_hash(keys: Keys, user_id: UUID, sealed: str) -> str | None:
    """The hash sealed with SECRET_KEY if SECRET_KEY_PREVIOUS was used before; otherwise None."""
    with suppress(SealBroken, binascii.Error):
        decrypt([keys.key(PURPOSE)], base64.b64decode(sealed, validate=True), str(user_id))
        return None
    password_hash = unseal_hash(keys, user_id, sealed)
    return seal_hash(keys, user_id, password_hash) if password_hash else None
