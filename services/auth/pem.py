"""RSA keys as the settings give them: PEM, or the path of a file that holds it."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LEAST_BITS = 2048  # RFC 7518, 3.3


def _content(given: str) -> bytes:
    if "-----BEGIN" in given:
        return given.encode()
    try:
        return Path(given).read_bytes()
    except OSError as error:
        raise ValueError("is neither PEM nor a file that can be read") from error


def private_key(given: str) -> rsa.RSAPrivateKey:
    """Raises ValueError for anything but an RSA key of 2048 bits or more."""
    try:
        key = serialization.load_pem_private_key(_content(given), password=None)
    except TypeError as error:
        raise ValueError("is encrypted; give the key without a passphrase") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise ValueError(f"must be an RSA key of at least {LEAST_BITS} bits")
    return key


def is_its_public_key(given: str, private: rsa.RSAPrivateKey) -> bool:
    public = serialization.load_pem_public_key(_content(given))
    return isinstance(public, rsa.RSAPublicKey) and public.public_numbers() == private.public_key().public_numbers()
