"""Phone numbers in the form that SMS providers take."""

import phonenumbers

from services.notifications.deliveries.failures import Failure, Refused

HOME = "DK"


def to_e164(number: str) -> str:
    """Such as +4520123456; a number without a country code is Danish. Raises Refused for an invalid number."""
    try:
        parsed = phonenumbers.parse(number, HOME)
    except phonenumbers.NumberParseException as error:
        raise Refused(Failure("number_invalid", permanent=True)) from error
    if not phonenumbers.is_valid_number(parsed):
        raise Refused(Failure("number_invalid", permanent=True))
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
