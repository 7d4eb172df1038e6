"""Codes of the second factor: by time (TOTP, RFC 6238), and recovery codes for when the phone is gone."""

import hmac
import secrets
import time

import pyotp
from cryptography.fernet import InvalidToken

from services.auth.clients import Proof
from services.auth.sealing import Seal
from shared.observability.log import logger

PURPOSE = "mfa"
ISSUER = "Loctician"
STEP_SECONDS = 30
DRIFT = (0, -1, 1)  # steps that a clock may be off, or a person late
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that looks like something else
RECOVERY_CODES, HALF = 10, 5

log = logger(__name__)


def matching_step(secret: str, code: str) -> int | None:
    """The time step that a code belongs to, now or one step off."""
    now = int(time.time()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (now + drift for drift in DRIFT):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            return step
    return None


def proof(seal: Seal, sealed: bytes | None, code: str | None) -> Proof:
    """What a given code proves to the database, which alone knows whether it was used before."""
    plain = "".join((code or "").split()).replace("-", "").lower()
    if sealed is None or not plain:
        return Proof()
    return Proof(step=_step(seal, sealed, plain), recovery=_hash(seal, plain))


def _step(seal: Seal, sealed: bytes, code: str) -> int | None:
    try:
        secret = seal.decrypt(PURPOSE, sealed).decode()
    except InvalidToken:
        log.error("mfa_secret_unreadable")  # noqa: TRY400 - sealed under another SECRET_KEY; the trace tells no more
        return None
    return matching_step(secret, code)


def recovery_codes(seal: Seal) -> tuple[list[str], list[bytes]]:
    """New codes, as shown once and as kept."""
    plain = ["".join(secrets.choice(ALPHABET) for _ in range(2 * HALF)) for _ in range(RECOVERY_CODES)]
    return [f"{code[:HALF]}-{code[HALF:]}" for code in plain], [_hash(seal, code) for code in plain]


def _hash(seal: Seal, code: str) -> bytes:
    # 50 bits could be guessed from a bare hash; without SECRET_KEY they cannot.
    return seal.mac("recovery", code)
