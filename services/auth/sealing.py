"""Keys derived from SECRET_KEY, one a purpose (HKDF, RFC 5869): to encrypt what is kept, to hash what is compared."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.auth.settings import AuthSettings


class Seal:
    def __init__(self, settings: AuthSettings) -> None:
        self._secret = settings.secret_key.get_secret_value().encode()
        self._keys: dict[str, bytes] = {}

    def _key(self, purpose: str) -> bytes:
        if purpose not in self._keys:
            derived = HKDF(SHA256(), length=32, salt=None, info=f"loctician auth {purpose}".encode())
            self._keys[purpose] = derived.derive(self._secret)
        return self._keys[purpose]

    def _cipher(self, purpose: str) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._key(purpose)))

    def encrypt(self, purpose: str, content: bytes) -> bytes:
        return self._cipher(purpose).encrypt(content)

    def decrypt(self, purpose: str, sealed: bytes) -> bytes:
        """Raises cryptography.fernet.InvalidToken for what another SECRET_KEY has sealed."""
        return self._cipher(purpose).decrypt(sealed)

    def mac(self, purpose: str, content: str | bytes) -> bytes:
        message = content.encode() if isinstance(content, str) else content
        return hmac.new(self._key(purpose), message, hashlib.sha256).digest()


def digest(token: str) -> bytes:
    """How a token of 256 random bits is kept: enough for what nobody can guess."""
    return hashlib.sha256(token.encode()).digest()
