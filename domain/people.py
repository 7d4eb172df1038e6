"""People as callers write them. Ids: a UUID, or `me` for the caller's own. Names: plain text without links."""

import re
import unicodedata
from typing import Annotated, Any, Literal
from uuid import UUID

import phonenumbers
from pydantic import AfterValidator, BeforeValidator

from shared.errors import Unauthorized
from shared.http.validation_messages import invalid
from shared.observability.context import current

ME = "me"
HOME_COUNTRY = "DK"

# Unicode's general categories: control, format (zero width, direction), surrogate, private use, line, paragraph.
UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Letters and marks that are drawn as nothing: fillers of Hangul, Khmer vowels, the joiner of marks, blank Braille.
UNSEEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# What mail programs turn into a link: a scheme, an address, a host name. IDNA takes all four dots for a full stop.
LINK = re.compile(r"://|@|\bwww\b|\w[.\u3002\uff0e\uff61](?=\w{2})", re.IGNORECASE)


def own_id(value: Any) -> Any:
    """Raises Unauthorized for `me` of a caller who is not signed in."""
    if value != ME:
        return value
    actor_id = current().actor_id
    if actor_id is None:
        raise Unauthorized
    return actor_id


PersonId = Annotated[UUID, BeforeValidator(own_id, json_schema_input_type=UUID | Literal["me"])]
"""In answers always a UUID."""


def plain_name(value: str) -> str:
    """The name in composed letters (NFC) with single spaces. Raises an error for pydantic."""
    if any(unicodedata.category(letter) in UNSEEN_CATEGORIES or letter in UNSEEN_LETTERS for letter in value):
        raise invalid("name", en="Must not have characters that nobody can see.", da="Må ikke have usynlige tegn.")
    if LINK.search(value) or LINK.search(unicodedata.normalize("NFKC", value)):
        raise invalid(
            "name",
            en="Must not have links or addresses. Write a space after a full stop.",
            da="Må ikke have links eller adresser. Skriv et mellemrum efter punktum.",
        )
    name = " ".join(unicodedata.normalize("NFC", value).split())
    if not name:
        raise invalid("name", en="Must not be empty.", da="Må ikke være tomt.")
    return name


PlainName = AfterValidator(plain_name)
"""For names that somebody types and others read, in mails for instance."""


def phone_number(value: str) -> str:
    """The number in E.164 (ITU-T); one without a country code is Danish. Raises an error for pydantic."""
    try:
        number = phonenumbers.parse(value, HOME_COUNTRY)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise invalid(
            "invalid_phone",
            en="The phone number is not valid. Include the country code unless it is Danish.",
            da="Telefonnummeret er ikke gyldigt. Skriv landekoden med, hvis det ikke er dansk.",
        )
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


PhoneNumber = AfterValidator(phone_number)
