"""The form of holds in answers."""

from services.booking.catalog.prices import price
from services.booking.serializers import Answer, instant
from services.booking.slots.serializers import shared_items


def hold(row: Answer, language: str) -> Answer:
    return {"id": row["id"], "service_ids": row["service_ids"]} | held_time(row, language)


def held_time(row: Answer, language: str) -> Answer:
    start = instant(row["start"])
    return {
        "loctician_id": row["loctician_id"],
        "start": start,
        "end": instant(row["end"]),
        "price": price(row["price_amount"], language),
        "expires_at": instant(row["expires_at"]),
    } | shared_items(start, row["parts"])
