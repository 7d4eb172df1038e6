"""Rules for new passwords: their length, and that they are not among the most common ones."""

import unicodedata

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from shared.http.validation_messages import invalid

MIN_LENGTH, MAX_LENGTH = 8, 128


def normalize_password(password: str) -> str:
    """NFKC (RFC 8265), so that the same password can be typed on any keyboard."""
    return unicodedata.normalize("NFKC", password)


COMMON = frozenset(normalize_password(word).casefold() for word in FREQUENCY_LISTS["passwords"])


def check_password(password: str) -> str:
    """Returns the password unchanged; for a pydantic validator.

    Raises PydanticCustomError unless it has 8 to 128 characters after NFKC and is not among the 30,000 most common.
    """
    normalized = normalize_password(password)
    if not MIN_LENGTH <= len(normalized) <= MAX_LENGTH:
        raise invalid(
            "password_length",
            en=f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters",
            da=f"Adgangskoden skal være på mellem {MIN_LENGTH} og {MAX_LENGTH} tegn.",
        )
    if normalized.casefold() in COMMON:
        raise invalid(
            "password_common",
            en="too many others use this password",
            da="Adgangskoden er for almindelig. Vælg en anden.",
        )
    return password
