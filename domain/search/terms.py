"""What a search for people looks for, however names, addresses and phone numbers are typed."""

import re
import unicodedata

from domain.email_addresses import canonical, unicode_domain

MOST_TERMS = 12
PHONE = re.compile(r"(?<!\S)[+(]{0,2}[0-9][0-9()./-]*(?:\s+[0-9()./-]+)*(?!\S)")
TRUNK_ZERO = re.compile(r"\(0\)")  # as in +46 (0)70


def search_terms(text: str) -> list[str]:
    """Texts that a person's name, address and phone number contain, all of them, in any order."""
    digits: list[str] = []

    def take(match: re.Match[str]) -> str:
        digits.append(phone_digits(match[0]))
        return " "

    rest = PHONE.sub(take, unicodedata.normalize("NFKC", text))
    words = [_domain_in_unicode(word) for word in rest.split()]
    return [term for term in (*words, *digits) if term][:MOST_TERMS]


def phone_digits(typed: str) -> str:
    """As E.164 has them, whose digits a national number is a part of."""
    digits = re.sub(r"\D", "", TRUNK_ZERO.sub("", typed))
    international = typed.lstrip(" (").startswith("+")
    if not international and digits.startswith("00"):
        return digits[2:]
    # the zero before a national number, as in 0171 or 070
    return digits if international or len(digits) < 6 else digits.removeprefix("0")


def _domain_in_unicode(word: str) -> str:
    return canonical(word) if "@" in word else unicode_domain(word) if "xn--" in word.lower() else word
