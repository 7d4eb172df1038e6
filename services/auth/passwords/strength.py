"""How strong a new password must be: at least 15 characters alone, 8 with a second factor (NIST SP 800-63B-4, 3.1.1.2),
and nothing that is guessed early: common words, the own name or address, repeats, sequences, dates (zxcvbn)."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from zxcvbn import zxcvbn

from services.auth.passwords.refusals import (
    PasswordCommon,
    PasswordOwn,
    PasswordRepeats,
    PasswordRule,
    PasswordSequence,
    PasswordTooShort,
)
from services.auth.passwords.rules import MIN_LENGTH, normalize_password

MIN_LENGTH_ALONE = 15
LEAST_GUESSES = {True: 10**6, False: 10**9}  # by whether there is a second factor
JUDGED = 40  # characters; more take too long: 15 random passwords of 72 took 21 to 591 ms, of 40 took 4 to 42 ms
SHORTEST_PART = 3  # characters of a name or address
REASONS: dict[str, type[PasswordRule]] = {
    "repeat": PasswordRepeats,
    "sequence": PasswordSequence,
    "spatial": PasswordSequence,
    "date": PasswordSequence,
}


def is_long_enough(password: str, *, second_factor: bool) -> bool:
    return len(normalize_password(password)) >= (MIN_LENGTH if second_factor else MIN_LENGTH_ALONE)


async def require_strong(password: str, own: Sequence[str], *, second_factor: bool, field: str = "password") -> None:
    """Raises PasswordTooShort, PasswordOwn, PasswordRepeats, PasswordSequence or PasswordCommon.

    `own`: name and address of the person. `field`: the name of the field that the password was sent in.
    """
    if not is_long_enough(password, second_factor=second_factor):
        raise PasswordTooShort(field)
    reason = await asyncio.to_thread(_weakness, normalize_password(password).casefold(), own, second_factor)
    if reason is not None:
        raise reason(field)


def _weakness(password: str, own: Sequence[str], second_factor: bool) -> type[PasswordRule] | None:
    words = _words(own)
    rest = password
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    if rest != password and len(rest.strip()) < MIN_LENGTH:
        return PasswordOwn
    judged = zxcvbn(password[:JUDGED], user_inputs=words)
    return _reason(judged["sequence"]) if judged["guesses"] < LEAST_GUESSES[second_factor] else None


def _words(own: Sequence[str]) -> list[str]:
    """The parts of a name and an address, and each as a whole."""
    texts = [normalize_password(text).casefold() for text in own]
    parts = [part for text in texts for part in re.split(r"[\W_]+", text)]
    return [word for word in dict.fromkeys([*texts, *parts]) if len(word) >= SHORTEST_PART]


def _reason(matches: Sequence[dict[str, Any]]) -> type[PasswordRule]:
    """By the longest part that is easy to guess."""
    known = [match for match in matches if match["pattern"] != "bruteforce"]
    longest = max(known, key=lambda match: len(match["token"]), default={"pattern": ""})
    if longest.get("dictionary_name") == "user_inputs":
        return PasswordOwn
    return REASONS.get(longest["pattern"], PasswordCommon)
