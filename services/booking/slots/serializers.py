"""The form of slots in answers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.booking.catalog.prices import price
from services.booking.serializers import Answer, instant


def slot(row: Any, treatment_ids: Sequence[UUID], language: str) -> Answer:
    """`row` is a booking.slot in JSON. The SQL function booking.slots_json() writes the same form."""
    start = instant(row["starts_at"])
    return {
        "start": start,
        "end": instant(row["ends_at"]),
        "loctician_id": str(row["loctician_id"]),
        "service_ids": treatment_ids,
        "price": price(row["price_amount"], language),
    } | shared_items(start, row["parts"])


def shared_items(start: Any, parts: list[Answer] | None) -> Answer:
    """Who performs what and when, if several locticians share the sitting."""
    return {"items": [part(start, item) for item in parts]} if parts else {}


def part(start: datetime, row: Answer) -> Answer:
    """Who performs a treatment and when. `row` counts minutes from the start of the sitting."""
    return {
        "service_id": row["service_id"],
        "loctician_id": row["loctician_id"],
        "start": instant(_after(start, row["from"])),
        "end": instant(_after(start, row["to"])),
    }


def _after(start: datetime, minutes: int) -> datetime:
    # In UTC: minutes added to local time would be wrong on the days when the clock changes.
    return start.astimezone(UTC) + timedelta(minutes=minutes)
