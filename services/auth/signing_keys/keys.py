"""A key that signs access tokens, its id and its public form (JWK, RFC 7517)."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from keys.tokens import ALGORITHM
from services.auth.settings import AuthSettings
from services.auth.signing_keys.pem import load_private_key


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)

    @property
    def public_jwk(self) -> dict[str, Any]:
        return {**_jwk(self.private.public_key()), "use": "sig", "alg": ALGORITHM, "kid": self.kid}

    @property
    def pem(self) -> bytes:
        """The private key as unencrypted PKCS #8."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def _jwk(key: rsa.RSAPublicKey) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {name: jwk[name] for name in ("kty", "n", "e")}


def thumbprint(key: rsa.RSAPublicKey) -> str:
    """RFC 7638: SHA-256 of the required members in lexical order."""
    canonical = json.dumps(_jwk(key), separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def key_from_settings(settings: AuthSettings) -> SigningKey | None:
    """The key in JWT_PRIVATE_KEY, if it is set."""
    if settings.jwt_private_key is None:
        return None
    private = load_private_key(settings.jwt_private_key.get_secret_value())
    return SigningKey(settings.jwt_key_id or thumbprint(private.public_key()), private)


def generate_key() -> SigningKey:
    """A new RSA key of 2048 bits. Takes about 0.1 s of processor time: call it in a thread."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return SigningKey(thumbprint(private.public_key()), private)
