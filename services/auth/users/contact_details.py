"""The canonical form of e-mail addresses and phone numbers."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from domain.email_addresses import canonical, needs_smtputf8
from services.auth.errors import InvalidPhone, UnmailableAddress
from services.auth.settings import AuthSettings
from shared.http.validation_messages import invalid

REGION = "DK"


def normalize_email(email: str) -> str:
    """The canonical form of a valid address (RFC 5321, RFC 6531). Raises ValueError."""
    address = canonical(email)
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise invalid("email", en="is not a valid e-mail address", da="Er ikke en gyldig e-mailadresse.") from error
    return address


def require_mailable(settings: AuthSettings, email: str) -> None:
    """Raises UnmailableAddress for an address that the salon's mail server cannot send to."""
    if needs_smtputf8(email) and not settings.mail_utf8:
        raise UnmailableAddress


def normalize_phone(phone: str | None) -> str | None:
    """E.164. A number without a country code is Danish. Raises InvalidPhone."""
    if not phone:
        return None
    try:
        number = phonenumbers.parse(phone, REGION)
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
