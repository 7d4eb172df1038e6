"""Encryption and message authentication codes with keys derived from auth's secret, one a purpose (HKDF, RFC 5869)."""

import base64
import hashlib
import hmac
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.auth.settings import AuthSettings
from shared.identity.derived_keys import own_secrets


class Encryption:
    """Encrypts with SECRET_KEY. Decrypts what was encrypted with SECRET_KEY or with SECRET_KEY_PREVIOUS."""

    def __init__(self, settings: AuthSettings) -> None:
        self._secrets = [secret.encode() for secret in own_secrets(settings, "auth")]
        self._keys: dict[str, list[bytes]] = {}

    def _keys_for(self, purpose: str) -> list[bytes]:
        """The keys of a purpose: first the one derived from SECRET_KEY, then the one from SECRET_KEY_PREVIOUS."""
        if purpose not in self._keys:
            self._keys[purpose] = [_derive(secret, purpose) for secret in self._secrets]
        return self._keys[purpose]

    def _cipher(self, purpose: str) -> MultiFernet:
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in self._keys_for(purpose)])

    def encrypt(self, purpose: str, content: bytes) -> bytes:
        return self._cipher(purpose).encrypt(content)

    def decrypt(self, purpose: str, encrypted: bytes) -> bytes:
        """Raises cryptography.fernet.InvalidToken when neither key fits."""
        return self._cipher(purpose).decrypt(encrypted)

    def reencrypt(self, purpose: str, encrypted: bytes) -> bytes | None:
        """Returns the content encrypted with SECRET_KEY if SECRET_KEY_PREVIOUS was used before; otherwise None."""
        try:
            Fernet(base64.urlsafe_b64encode(self._keys_for(purpose)[0])).decrypt(encrypted)
        except InvalidToken:
            with suppress(InvalidToken):
                return self.encrypt(purpose, self.decrypt(purpose, encrypted))
        return None

    def mac(self, purpose: str, content: str | bytes) -> bytes:
        """HMAC-SHA256 of the content."""
        return self.macs(purpose, content)[0]

    def macs(self, purpose: str, content: str | bytes) -> list[bytes]:
        """The HMAC with SECRET_KEY, and then the one with SECRET_KEY_PREVIOUS if that is set."""
        message = content.encode() if isinstance(content, str) else content
        return [hmac.new(key, message, hashlib.sha256).digest() for key in self._keys_for(purpose)]

    def is_mac(self, purpose: str, content: str | bytes, mac: bytes | None) -> bool:
        return mac is not None and any(hmac.compare_digest(known, mac) for known in self.macs(purpose, content))

    def token_digests(self, purpose: str, token: str) -> list[bytes]:
        """What the database keeps of a token: with the database alone nobody can add a token that works.

        The first one is to be stored; both are to be looked for.
        """
        return self.macs(f"{purpose} token", token)


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"loctician auth {purpose}".encode()).derive(secret)


def token_digest(token: str) -> bytes:
    """SHA-256 of a token of 256 random bits, as the database keeps it. Nobody can guess such a token from its hash."""
    return hashlib.sha256(token.encode()).digest()
