from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, Field

from domain.money import Money
from shared.http.schemas import Schema
from shared.http.validation_messages import refusal

HOME = "DK"


def _phone(value: str) -> str:
    """In E.164; a number without a country is Danish."""
    try:
        number = phonenumbers.parse(value, HOME)
    except phonenumbers.NumberParseException as error:
        raise refusal("phone", en="is no phone number", da="Er ikke et telefonnummer.") from error
    if not phonenumbers.is_valid_number(number):
        raise refusal("phone", en="is no phone number that exists", da="Er ikke et telefonnummer, der findes.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


Phone = Annotated[str, Field(max_length=40), AfterValidator(_phone)]
Notes = Annotated[str, Field(max_length=2000)]


class Vat(Schema):
    """The VAT that the price includes: `rate` in per cent, `amount` in øre."""

    rate: int
    amount: int


class MoneyWithVat(Money):
    vat: Vat
