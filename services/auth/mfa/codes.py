"""Codes of the second factor: from an authenticator app (TOTP, RFC 6238), and recovery codes for a lost phone."""

import hmac
import secrets
import time
from dataclasses import dataclass

import pyotp
from cryptography.fernet import InvalidToken

from services.auth.encryption import Encryption
from shared.observability.log import logger

PURPOSE = "mfa"  # of the encryption key
ISSUER = "Loctician"
STEP_SECONDS = 30
DRIFT_STEPS = (0, -1, 1)  # for inexact clocks and slow typing
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without characters that look alike
RECOVERY_CODES, HALF = 10, 5

log = logger(__name__)


@dataclass(frozen=True)
class SubmittedCode:
    """A code that a user entered: the time step that it is the code of, and its hash as a recovery code.

    Only the database knows whether it was used before.
    """

    step: int | None = None
    recovery: bytes | None = None


def matching_step(secret: str, code: str) -> int | None:
    """The time step that a code belongs to: the current one, the one before or the one after."""
    now = int(time.time()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (now + drift for drift in DRIFT_STEPS):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            return step
    return None


def read_code(encryption: Encryption, encrypted_secret: bytes | None, code: str | None) -> SubmittedCode:
    """Ignores spaces, hyphens and case. Empty without a secret or without a code."""
    normalized = "".join((code or "").split()).replace("-", "").lower()
    if encrypted_secret is None or not normalized:
        return SubmittedCode()
    step = _step(encryption, encrypted_secret, normalized)
    return SubmittedCode(step=step, recovery=_hash_recovery_code(encryption, normalized))


def _step(encryption: Encryption, encrypted_secret: bytes, code: str) -> int | None:
    try:
        secret = encryption.decrypt(PURPOSE, encrypted_secret).decode()
    except InvalidToken:
        log.error("mfa_secret_unreadable")  # noqa: TRY400 - encrypted with another SECRET_KEY; the trace adds nothing
        return None
    return matching_step(secret, code)


def create_recovery_codes(encryption: Encryption) -> tuple[list[str], list[bytes]]:
    """New codes: as the user sees them once, and their hashes to keep."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(2 * HALF)) for _ in range(RECOVERY_CODES)]
    return [f"{code[:HALF]}-{code[HALF:]}" for code in codes], [_hash_recovery_code(encryption, code) for code in codes]


def _hash_recovery_code(encryption: Encryption, code: str) -> bytes:
    # A code has 50 bits, few enough to be guessed from a plain hash. An HMAC needs SECRET_KEY.
    return encryption.mac("recovery", code)
