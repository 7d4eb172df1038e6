"""Access tokens of a key of our own: auth is given the key, so the services verify them as they do any others."""

import hashlib
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KID = "bench"
LIFETIME_SECONDS = 6 * 3600


def person(kind: str, number: int) -> UUID:
    """The id that SQL gives the same person: md5(kind || number)::uuid."""
    return UUID(hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True)
class Signer:
    issuer: str
    audience: str = "loctician"
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def token(self, user: UUID, role: str = "customer") -> str:
        now = int(time.time())
        times = {"iat": now - 1, "nbf": now - 1, "exp": now + LIFETIME_SECONDS}
        subject = {"sub": str(user), "sid": str(uuid4()), "role": role, "jti": str(uuid4())}
        claims = {"iss": self.issuer, "aud": self.audience, **subject, **times}
        return jwt.encode(claims, self.private, "RS256", {"kid": KID, "typ": "at+jwt"})

    @cached_property
    def pem(self) -> bytes:
        kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.private.private_bytes(serialization.Encoding.PEM, kind, plain)

    def keep(self, folder: Path) -> Path:
        path = folder / "signing-key.pem"
        path.touch(0o600)
        path.write_bytes(self.pem)
        return path

    def document(self) -> dict[str, object]:
        jwk = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": KID, "use": "sig", "alg": "RS256"}]}
