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
    """`649 kr.` or `DKK 649.50`: no decimals for whole kroner. `amount` is in øre; `language` is one of LOCALES."""
    number = "#,##0.00" if amount % 100 else "#,##0"
    pattern = f"¤ {number}" if language == "en" else f"{number} ¤"
    return format_currency(amount / 100, CURRENCY, pattern, LOCALES[language], currency_digits=False)
