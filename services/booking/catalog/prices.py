"""Prices: parsing amounts in Danish notation, the VAT they include, and their form in answers."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import NumberFormatError, parse_decimal
from pydantic import ConfigDict

from domain.money import CURRENCY, LOCALES, Money
from services.booking.serializers import Answer
from shared.http.schemas import Schema
from shared.http.validation_messages import invalid

VAT_PERCENT = 25
_CURRENCY = re.compile(r"^(?:DKK\s*)?(-?[0-9.,]+)(?:\s*(?:kr\.?|DKK))?$", re.IGNORECASE)


class Vat(Schema):
    """The VAT that the price includes: `rate` in per cent, `amount` in øre."""

    rate: int
    amount: int


class MoneyWithVat(Money):
    """An amount in øre, VAT included, and how much of it is VAT."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "amount": 64900,
                    "currency": "DKK",
                    "formatted": "649 kr.",
                    "vat": {"rate": VAT_PERCENT, "amount": 12980},
                }
            ]
        }
    )

    vat: Vat


@lru_cache(maxsize=4096)
def price(amount: int, language: str) -> Answer:
    """The form of a MoneyWithVat in answers; `amount` in øre."""
    return Money.of(amount, language).model_dump() | {"vat": {"rate": VAT_PERCENT, "amount": vat_in(amount)}}


def vat_in(amount: int) -> int:
    """The VAT included in an amount, rounded to a whole øre."""
    return int((Decimal(amount * VAT_PERCENT) / (100 + VAT_PERCENT)).quantize(Decimal(1), "ROUND_HALF_UP"))


def parse(text: str) -> int:
    """The øre of an amount in Danish notation: `1.299,50 kr.`, `649`, `DKK 649,00`. Raises ValueError."""
    match = _CURRENCY.match(text.strip())
    try:
        amount = parse_decimal(match[1] if match else "", locale=LOCALES["da"], strict=True)
    except NumberFormatError as error:
        raise invalid(
            "amount",
            en="is not an amount in Danish kroner, such as 1.299,50 kr.",
            da="Er ikke et beløb i danske kroner, som for eksempel 1.299,50 kr.",
        ) from error
    ore = amount * 100
    if not amount.is_finite() or ore != ore.to_integral_value():
        raise invalid(
            "fraction", en="must not contain a fraction of an øre", da="Må ikke indeholde brøkdele af en øre."
        )
    return int(ore)


def price_from(value: Any) -> Any:
    """An amount in Danish notation as the object that the API takes; any other value unchanged."""
    return {"amount": parse(value), "currency": CURRENCY} if isinstance(value, str) else value
