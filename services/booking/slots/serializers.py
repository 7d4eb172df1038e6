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
    return {"items": [_part(start, part) for part in parts]} if parts else {}


def _part(start: datetime, part: Answer) -> Answer:
    return {
        "service_id": part["service_id"],
        "loctician_id": part["loctician_id"],
        "start": instant(_after(start, part["from"])),
        "end": instant(_after(start, part["to"])),
    }


def _after(start: datetime, minutes: int) -> datetime:
    # In UTC: minutes added to local time would be wrong on the days when the clock changes.
    return start.astimezone(UTC) + timedelta(minutes=minutes)
