"""The form of holds in answers."""

from typing import Any

from services.booking.catalog.prices import price
from services.booking.serializers import Answer, instant
from services.booking.slots.serializers import part


def hold(row: Answer, language: str) -> Answer:
    return {"id": row["id"], "service_ids": row["service_ids"]} | held_time(row, language)


def held_time(row: Answer, language: str) -> Answer:
    start: Any = instant(row["start"])
    return {
        "loctician_id": row["loctician_id"],
        "start": start,
        "end": instant(row["end"]),
        "price": price(row["price_amount"], language),
        "expires_at": instant(row["expires_at"]),
        "items": [part(start, held) | {"price": price(held["price_amount"], language)} for held in row["parts"]],
    }
