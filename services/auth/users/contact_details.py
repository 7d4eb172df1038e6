"""The normal form of e-mail addresses and phone numbers."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from services.auth.errors import InvalidPhone
from shared.http.validation_messages import invalid

REGION = "DK"


def normalize_email(email: str) -> str:
    """Lower case, and otherwise normalized by email-validator (RFC 5321). Raises ValueError."""
    try:
        valid = validate_email(email, check_deliverability=False)
    except EmailNotValidError as error:
        raise invalid("email", en="is not a valid e-mail address", da="Er ikke en gyldig e-mailadresse.") from error
    return str(valid.normalized).lower()


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
