"""Addresses that can be mailed, and the canonical form of phone numbers."""

import phonenumbers

from domain.email_addresses import needs_smtputf8
from services.auth.errors import InvalidPhone, UnmailableAddress
from services.auth.settings import AuthSettings

REGION = "DK"


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
