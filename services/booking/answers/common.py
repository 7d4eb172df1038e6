from datetime import datetime
from functools import lru_cache
from typing import Any

from domain.clock import copenhagen
from domain.money import Money
from services.booking.money import VAT_PERCENT, vat_in

Answer = dict[str, Any]


@lru_cache(maxsize=4096)
def price(amount: int, language: str) -> Answer:
    return Money.of(amount, language).model_dump() | {"vat": {"rate": VAT_PERCENT, "amount": vat_in(amount)}}


def instant(value: datetime | str | None) -> datetime | None:
    if value is None:
        return None
    return copenhagen(value if isinstance(value, datetime) else datetime.fromisoformat(value))
