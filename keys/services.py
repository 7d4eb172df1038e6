"""The keys of one service: its own, those it shares with one other service, and a key pair for signatures.

Each service has a secret. From it come an X25519 and an Ed25519 key pair (RFC 7748, RFC 8032); the public keys of all
services are known to all. What two services share is derived from one's private and the other's public key, so nobody
else can open or make it. The secrets of all services are derived from SECRET_KEY, which only the operator needs.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from keys.derived import Keys, derive


@dataclass(frozen=True)
class PublicKeys:
    """Of one secret of a service."""

    sealing: bytes  # X25519
    signing: bytes  # Ed25519

    def as_text(self) -> dict[str, str]:
        return {"sealing": self.sealing.hex(), "signing": self.signing.hex()}

    @classmethod
    def from_text(cls, document: Any) -> "PublicKeys":
        """Raises ValueError."""
        try:
            keys = cls(bytes.fromhex(document["sealing"]), bytes.fromhex(document["signing"]))
            X25519PublicKey.from_public_bytes(keys.sealing)
            Ed25519PublicKey.from_public_bytes(keys.signing)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("is not two public keys of 32 bytes, in hex") from error
        return keys


# The public keys of a service by its name: those in use, then those before a change of the secrets.
Directory = Callable[[str], Sequence[PublicKeys]]


def read_directory(text: str) -> Directory:
    """Of a JSON object: each service with a list of its public keys. Raises ValueError."""
    document = json.loads(text)
    if not isinstance(document, dict) or not all(isinstance(keys, list) for keys in document.values()):
        raise ValueError("is not a list of public keys for each service")
    known = {service: [PublicKeys.from_text(each) for each in keys] for service, keys in document.items()}
    return lambda service: known.get(service, [])


def service_secret(root: str, service: str) -> str:
    """The secret that a service is given, derived from SECRET_KEY."""
    return derive(root.encode(), f"secret of {service}").hex()


def public_keys(secret: str) -> PublicKeys:
    return PublicKeys(
        _sealing(secret).public_key().public_bytes_raw(), _signing(secret).public_key().public_bytes_raw()
    )


class ServiceKeys(Keys):
    """Seals and signs for the service alone, as Keys does. `secrets`: the one in use, then the one before it."""

    def __init__(self, service: str, secrets: Sequence[str], directory: Directory) -> None:
        super().__init__(*secrets)
        self.service = service
        self._own = list(secrets)
        self._directory = directory
        self._shared: dict[str, Keys] = {}
        self._signers: dict[str, list[Ed25519PublicKey]] = {}
        self._signing = _signing(secrets[0])

    @classmethod
    def from_root(cls, service: str, root: str, previous: str | None = None) -> "ServiceKeys":
        """With SECRET_KEY the keys of every service are known."""
        roots = [root, *([previous] if previous else [])]

        def directory(name: str) -> list[PublicKeys]:
            return [public_keys(service_secret(each, name)) for each in roots]

        return cls(service, [service_secret(each, service) for each in roots], directory)

    def shared_with(self, other: str) -> Keys:
        """Keys that only this service and the other have: both seal and unseal, sign and verify with them."""
        if other not in self._shared:
            theirs = [X25519PublicKey.from_public_bytes(keys.sealing) for keys in self._directory(other)]
            pair = "-".join(sorted((self.service, other)))
            secrets = [_sealing(own).exchange(their) for own in self._own for their in theirs]
            self._shared[other] = Keys(*(derive(secret, f"pair {pair}") for secret in secrets))
        return self._shared[other]

    def sign_openly(self, purpose: str, content: bytes) -> bytes:
        """A signature that every service can verify and only this one can make."""
        return self._signing.sign(_message(purpose, content))

    def is_signed_by(self, service: str, purpose: str, content: bytes, signature: bytes) -> bool:
        return any(_verifies(key, signature, _message(purpose, content)) for key in self._keys_of(service))

    def _keys_of(self, service: str) -> list[Ed25519PublicKey]:
        if service not in self._signers:
            known = [Ed25519PublicKey.from_public_bytes(keys.signing) for keys in self._directory(service)]
            self._signers[service] = known
        return self._signers[service]


def _sealing(secret: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(derive(secret.encode(), "X25519"))


def _signing(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(derive(secret.encode(), "Ed25519"))


def _message(purpose: str, content: bytes) -> bytes:
    return f"loctician {purpose}\0".encode() + content


def _verifies(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
