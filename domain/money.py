"""Amounts in øre, VAT included, and how they are written in Danish and English."""

from typing import Self

from babel.numbers import format_currency

from shared.http.schemas import Schema

CURRENCY = "DKK"
LOCALES = {"da": "da_DK", "en": "en_GB"}


class Money(Schema):
    """An amount in øre, VAT included."""

    amount: int
    currency: str
    formatted: str

    @classmethod
    def of(cls, amount: int, language: str) -> Self:
        return cls(amount=amount, currency=CURRENCY, formatted=format_money(amount, language))


def format_money(amount: int, language: str) -> str:
    """`amount` is in øre; `language` is one of LOCALES."""
    # English patterns set no space between a currency's letters and the amount.
    pattern = "¤ #,##0.00" if language == "en" else None
    return format_currency(amount / 100, CURRENCY, pattern, LOCALES[language]).replace("\xa0", " ")
