"""Reads RSA keys from settings, which hold either PEM or the path of a file with PEM."""

from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

MIN_BITS = 2048  # RFC 7518, 3.3


def _read(setting: str) -> bytes:
    if "-----BEGIN" in setting:
        return setting.encode()
    try:
        return Path(setting).read_bytes()
    except OSError as error:
        raise ValueError("is neither PEM nor a file that can be read") from error


def load_private_key(setting: str) -> rsa.RSAPrivateKey:
    """Raises ValueError for anything but an RSA key of 2048 bits or more."""
    return _parse(_read(setting))


@lru_cache(maxsize=4)  # checking a key takes 40 ms of processor time
def _parse(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise ValueError("is encrypted; give the key without a passphrase") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < MIN_BITS:
        raise ValueError(f"must be an RSA key of at least {MIN_BITS} bits")
    return key


def matches_public_key(setting: str, private: rsa.RSAPrivateKey) -> bool:
    """Whether the public key in the setting belongs to the private key."""
    public = serialization.load_pem_public_key(_read(setting))
    return isinstance(public, rsa.RSAPublicKey) and public.public_numbers() == private.public_key().public_numbers()
