"""Amounts in Danish notation, and VAT."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import format_money
from services.booking.catalog.prices import parse, vat_in


class TestParse:
    @pytest.mark.parametrize(
        ("text", "amount"),
        [
            ("649", 64900), ("649,00", 64900), ("649,5", 64950), ("1.299,50 kr.", 129950), ("1.299 kr", 129900),
            ("DKK 649,00", 64900), ("649 DKK", 64900), (" 0,01 ", 1), ("0", 0), ("-5", -500),
        ],
    )  # fmt: skip
    def test_reads_danish_notation(self, text: str, amount: int) -> None:
        assert parse(text) == amount

    @pytest.mark.parametrize(
        "text",
        ["", "kr.", "649,005", "0,001", "1,299.50", "12.99", "649 EUR", "$5", "€ 5", "NaN", "Infinity", "1e5", "fem"],
    )
    def test_refuses_what_is_not_an_amount_in_whole_ore(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"is not an amount|fraction"):
            parse(text)

    @given(st.integers(0, 10_000_000))
    def test_reads_formatted_amounts(self, amount: int) -> None:
        assert parse(format_money(amount, "da")) == amount


class TestVat:
    @given(st.integers(0, 10_000_000))
    def test_is_a_fifth_of_the_price_rounded_to_an_ore(self, amount: int) -> None:
        assert abs(5 * vat_in(amount) - amount) * 2 <= 5
