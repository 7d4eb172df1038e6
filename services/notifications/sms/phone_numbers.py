"""Phone numbers."""

import phonenumbers

from services.notifications.deliveries.outcomes import Failure, Refused

HOME = "DK"


def international(number: str) -> str:
    """As +4520123456. Raises Refused for what is no number."""
    try:
        parsed = phonenumbers.parse(number, HOME)
    except phonenumbers.NumberParseException as error:
        raise Refused(Failure("number_invalid", permanent=True)) from error
    if not phonenumbers.is_valid_number(parsed):
        raise Refused(Failure("number_invalid", permanent=True))
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
