"""Keys derived from SECRET_KEY, one a purpose (HKDF, RFC 5869): to encrypt what is kept, to hash what is compared."""

import base64
import hashlib
import hmac
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.auth.settings import AuthSettings


class Seal:
    def __init__(self, settings: AuthSettings) -> None:
        given = (settings.secret_key, settings.secret_key_previous)
        self._secrets = [one.get_secret_value().encode() for one in given if one]
        self._keys: dict[str, list[bytes]] = {}

    def _of(self, purpose: str) -> list[bytes]:
        """Of SECRET_KEY first, then of the one before it."""
        if purpose not in self._keys:
            self._keys[purpose] = [_derived(secret, purpose) for secret in self._secrets]
        return self._keys[purpose]

    def _cipher(self, purpose: str) -> MultiFernet:
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in self._of(purpose)])

    def encrypt(self, purpose: str, content: bytes) -> bytes:
        return self._cipher(purpose).encrypt(content)

    def decrypt(self, purpose: str, sealed: bytes) -> bytes:
        """Raises cryptography.fernet.InvalidToken for what neither SECRET_KEY nor the one before it has sealed."""
        return self._cipher(purpose).decrypt(sealed)

    def renewed(self, purpose: str, sealed: bytes) -> bytes | None:
        """The same sealed with SECRET_KEY when it was with the one before it; None when there is nothing to do."""
        try:
            Fernet(base64.urlsafe_b64encode(self._of(purpose)[0])).decrypt(sealed)
        except InvalidToken:
            with suppress(InvalidToken):
                return self.encrypt(purpose, self.decrypt(purpose, sealed))
        return None

    def mac(self, purpose: str, content: str | bytes) -> bytes:
        message = content.encode() if isinstance(content, str) else content
        return hmac.new(self._of(purpose)[0], message, hashlib.sha256).digest()


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"loctician auth {purpose}".encode()).derive(secret)


def digest(token: str) -> bytes:
    """How a token of 256 random bits is kept: enough for what nobody can guess."""
    return hashlib.sha256(token.encode()).digest()
