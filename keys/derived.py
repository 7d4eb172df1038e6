"""Keys derived from a secret, one for each purpose (HKDF, RFC 5869), for sealing (encryption) and signing."""

import hashlib
import hmac
import os
import zlib
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
MOST_BYTES = 256 * 1024 * 1024  # of unsealed content


class SealBroken(Exception):
    """The content was sealed with another key or for another place, or was changed."""


class Keys:
    """Seals and signs with the first of the secrets; unseals and verifies also what was made with the others."""

    def __init__(self, *secrets: str | bytes | None) -> None:
        self._secrets = [each.encode() if isinstance(each, str) else each for each in secrets if each]
        self._derived: dict[str, list[bytes]] = {}

    @property
    def has_previous(self) -> bool:
        """Whether what was made with another secret is still accepted."""
        return len(self._secrets) > 1

    def key(self, purpose: str) -> bytes:
        return self._keys(purpose)[0]

    def _keys(self, purpose: str) -> list[bytes]:
        if purpose not in self._derived:
            self._derived[purpose] = [derive(secret, purpose) for secret in self._secrets]
        return self._derived[purpose]

    def seal(self, purpose: str, content: bytes, place: str) -> bytes:
        """Compresses and encrypts (AES-256-GCM). It can be unsealed only with the same `place`."""
        return encrypt(self.key(purpose), content, place)

    def unseal(self, purpose: str, sealed: bytes, place: str) -> bytes:
        """Raises SealBroken."""
        return decrypt(self._keys(purpose), sealed, place)

    def sign(self, purpose: str, content: bytes) -> bytes:
        return _signature(self.key(purpose), content)

    def verify(self, purpose: str, content: bytes, signature: bytes) -> bool:
        return any(hmac.compare_digest(_signature(key, content), signature) for key in self._keys(purpose))


def derive(secret: bytes, purpose: str) -> bytes:
    """32 bytes of HKDF-SHA256."""
    return HKDF(SHA256(), length=32, salt=None, info=f"loctician {purpose}".encode()).derive(secret)


def encrypt(key: bytes, content: bytes, place: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, zlib.compress(content), place.encode())


def decrypt(keys: list[bytes], sealed: bytes, place: str) -> bytes:
    """With whichever of the keys fits. Raises SealBroken."""
    decompressor = zlib.decompressobj()
    content = decompressor.decompress(_decrypted(keys, sealed, place), MOST_BYTES)
    if decompressor.unconsumed_tail:
        raise SealBroken(place)
    return content


def _decrypted(keys: list[bytes], sealed: bytes, place: str) -> bytes:
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in keys:
        with suppress(InvalidTag, ValueError):
            return AESGCM(key).decrypt(nonce, encrypted, place.encode())
    raise SealBroken(place)


def _signature(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()
