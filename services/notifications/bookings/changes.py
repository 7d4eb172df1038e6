"""What a changed booking means to each recipient: a moved time, another loctician or treatment, a time to confirm."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.bookings.model import Booking, Item
from services.notifications.dispatch.messages import format_utc
from services.notifications.notification_types import Part


def describe(booking: Booking, before: list[Item], user_id: UUID, part: Part) -> tuple[str, dict[str, Any]]:
    """The notification type, and what its mail needs beside the booking. `before`: the items of the previous version,
    empty if they are not known."""
    pending = booking.status == "pending"
    mine = [item for item in before if part != "loctician" or item.loctician_id == user_id]
    if before and not mine:  # the booking is new to this loctician
        return ("booking_requested" if pending else "booking_created"), {}
    items = booking.items_for(user_id, part)
    earlier_start = _start(mine) if mine else booking.previous_start
    moved = earlier_start is not None and earlier_start != _start(items)
    previous: dict[str, Any] = {"changed": _changed(items, mine) if mine else ["time"] if moved else []}
    if earlier_start is not None:
        previous["start"] = format_utc(earlier_start)
    if mine:
        previous |= {"end": format_utc(_end(mine)), "items": [_brief(item) for item in mine]}
    confirmed_kind = "booking_rescheduled" if moved else "booking_changed"
    return "booking_change_requested" if pending else confirmed_kind, {"previous": previous}


def _changed(items: list[Item], before: list[Item]) -> list[str]:
    differs = {
        "time": (_start(items), _end(items)) != (_start(before), _end(before)),
        "treatment": [item.service_id for item in items] != [item.service_id for item in before],
        "loctician": {item.loctician_id for item in items} != {item.loctician_id for item in before},
    }
    return [name for name, different in differs.items() if different]


def _start(items: list[Item]) -> datetime:
    return min(item.start for item in items)


def _end(items: list[Item]) -> datetime:
    return max(item.end for item in items)


def _brief(item: Item) -> dict[str, str]:
    return {
        "service_id": str(item.service_id),
        "loctician_id": str(item.loctician_id),
        "start": format_utc(item.start),
        "end": format_utc(item.end),
    }
