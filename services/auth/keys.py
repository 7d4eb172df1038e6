"""Signing keys: from JWT_PRIVATE_KEY, or for development one made once and kept encrypted in the database."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from services.auth import queries
from services.auth.pem import private_key
from services.auth.settings import AuthSettings
from shared.auth import SERVICE_CLAIMS
from shared.db import Database, transaction
from shared.tokens import ALGORITHM


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey

    @property
    def public_jwk(self) -> dict[str, Any]:
        return {**_jwk(self.private.public_key()), "use": "sig", "alg": ALGORITHM, "kid": self.kid}


def _jwk(key: rsa.RSAPublicKey) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {name: jwk[name] for name in ("kty", "n", "e")}


def thumbprint(key: rsa.RSAPublicKey) -> str:
    """RFC 7638: SHA-256 of the required members, in lexical order."""
    canonical = json.dumps(_jwk(key), separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def from_settings(settings: AuthSettings) -> SigningKey | None:
    if settings.jwt_private_key is None:
        return None
    private = private_key(settings.jwt_private_key.get_secret_value())
    return SigningKey(settings.jwt_key_id or thumbprint(private.public_key()), private)


def _cipher(settings: AuthSettings) -> Fernet:
    digest = hashlib.sha256(b"signing-keys:" + settings.secret_key.get_secret_value().encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


class Keys:
    """The key that signs. Loaded when first needed, so that the service starts before its database."""

    def __init__(self, settings: AuthSettings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._key = from_settings(settings)

    async def signing(self) -> SigningKey:
        if self._key is None:
            self._key = await self._kept()
        return self._key

    async def _kept(self) -> SigningKey:
        cipher = _cipher(self._settings)
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            row = await queries.signing_key(session)
            if row is None:
                made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                pem = made.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
                row = (thumbprint(made.public_key()), cipher.encrypt(pem))
                await queries.keep_signing_key(session, *row)
        private = serialization.load_pem_private_key(cipher.decrypt(row[1]), password=None)
        assert isinstance(private, rsa.RSAPrivateKey)  # noqa: S101 - only such are kept
        return SigningKey(row[0], private)

    async def key(self, kid: str) -> rsa.RSAPublicKey | None:
        """As a KeySource: auth verifies with its own key, without a call to itself."""
        signing = await self.signing()
        return signing.private.public_key() if kid == signing.kid else None

    async def document(self) -> dict[str, Any]:
        return {"keys": [(await self.signing()).public_jwk]}
