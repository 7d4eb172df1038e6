"""Keys derived from SECRET_KEY, one a purpose (HKDF, RFC 5869), and what is done with them: sealing and signing."""

import hashlib
import hmac
import os
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.ext.asyncio import AsyncSession

NONCE_BYTES = 12
MOST_BYTES = 256 * 1024 * 1024  # of what is unsealed


class SealBroken(Exception):
    """What is unsealed was sealed with another key, for another place, or changed since."""


class Keys:
    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._derived: dict[str, bytes] = {}

    def key(self, purpose: str) -> bytes:
        if purpose not in self._derived:
            derived = HKDF(SHA256(), length=32, salt=None, info=f"loctician {purpose}".encode())
            self._derived[purpose] = derived.derive(self._secret)
        return self._derived[purpose]

    def seal(self, purpose: str, content: bytes, place: str) -> bytes:
        """Compressed and encrypted (AES-256-GCM), readable only as what belongs at `place`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.key(purpose)).encrypt(nonce, zlib.compress(content), place.encode())

    def unseal(self, purpose: str, sealed: bytes, place: str) -> bytes:
        """Raises SealBroken."""
        nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            packed = AESGCM(self.key(purpose)).decrypt(nonce, encrypted, place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(purpose) from error
        opened = zlib.decompressobj()
        content = opened.decompress(packed, MOST_BYTES)
        if opened.unconsumed_tail:
            raise SealBroken(purpose)
        return content

    def sign(self, purpose: str, content: bytes) -> bytes:
        return hmac.new(self.key(purpose), content, hashlib.sha256).digest()

    def signed(self, purpose: str, content: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(purpose, content), signature)


def keys_of(session: AsyncSession) -> Keys:
    """The keys of the database that the transaction runs on."""
    found: Keys | None = session.info.get("keys")
    if found is None:
        raise RuntimeError("this database was opened without SECRET_KEY")
    return found
