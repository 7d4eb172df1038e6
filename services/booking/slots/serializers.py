from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.booking.money import price
from services.booking.serializers import Answer, instant


def slot(row: Any, treatment_ids: Sequence[UUID], language: str) -> Answer:
    """`row` as booking.slot has it in JSON; what booking.slots_json() writes is the same."""
    found = {
        "start": instant(row["starts_at"]),
        "end": instant(row["ends_at"]),
        "loctician_id": str(row["loctician_id"]),
        "service_ids": treatment_ids,
        "price": price(row["price_amount"], language),
    }
    return found | shared_items(found["start"], row["parts"])


def shared_items(start: Any, parts: list[Answer] | None) -> Answer:
    """Who does what and when, where several locticians share a sitting."""
    return {"items": [_part(start, one) for one in parts]} if parts else {}


def _part(start: datetime, part: Answer) -> Answer:
    return {
        "service_id": part["service_id"],
        "loctician_id": part["loctician_id"],
        "start": instant(_after(start, part["from"])),
        "end": instant(_after(start, part["to"])),
    }


def _after(start: datetime, minutes: int) -> datetime:
    # In UTC: added to a wall-clock time, minutes would ignore a change of the clock between.
    return start.astimezone(UTC) + timedelta(minutes=minutes)
