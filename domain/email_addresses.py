"""One canonical form of an e-mail address, whatever way it is typed: what identifies an account."""

import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

from shared.http.validation_messages import invalid

MAX_LENGTH = 320  # characters; RFC 5321 allows 254 octets


def canonical(address: str) -> str:
    """Trimmed, in NFKC and lower case, the domain in Unicode without a trailing dot.

    Never raises: of a text that is no address, the result identifies nobody. Does not change a result again.
    """
    text = _fold(address)
    local, at, domain = text.rpartition("@")
    return f"{local}{at}{unicode_domain(domain)}" if at and len(text) <= MAX_LENGTH else text


def normalize_email(email: str) -> str:
    """The canonical form of a valid address (RFC 5321, RFC 6531). Raises ValueError."""
    address = canonical(email)
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise invalid("email", en="is not a valid e-mail address", da="Er ikke en gyldig e-mailadresse.") from error
    return address


def unicode_domain(domain: str) -> str:
    """The domain in lower case with Punycode decoded (IDNA 2008); unchanged if it is none."""
    ascii_form = ascii_domain(domain)
    try:
        return idna.decode(ascii_form) if ascii_form else domain
    except UnicodeError:
        return domain


def ascii_domain(domain: str) -> str | None:
    """The domain as mail servers are asked for it, in Punycode; None if it is none."""
    try:
        return idna.encode(domain.rstrip("."), uts46=True).decode()
    except UnicodeError:
        return None


def needs_smtputf8(address: str) -> bool:
    """Whether only a mail server that offers SMTPUTF8 (RFC 6531) takes mail for this address."""
    return not address.rpartition("@")[0].isascii()


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    start, end = 0, len(folded)
    while start < end and _is_invisible(folded[start]):
        start += 1
    while end > start and _is_invisible(folded[end - 1]):
        end -= 1
    return folded[start:end]


def _is_invisible(character: str) -> bool:
    """White space, and control and format characters such as those that come along when text is copied."""
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}
