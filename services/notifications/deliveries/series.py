"""One mail about the dates of a series that are booked or cancelled together.

The events of the dates come one by one. The first makes a delivery that waits for WAIT seconds; those that come
meanwhile are added to it. A single date keeps its ordinary mail.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.deliveries import queries
from services.notifications.dispatch.messages import Message
from services.notifications.rows import Row

WAIT = 5.0  # seconds after the last date
MOST_DATES = 26
KIND_OF_SEVERAL = {
    "booking_requested": "series_requested",
    "booking_created": "series_created",
    "booking_cancelled": "series_cancelled",
}


def is_merged(message: Message) -> bool:
    return message.series_id is not None and message.kind in KIND_OF_SEVERAL


async def add(session: AsyncSession, message: Message, row: dict[str, Any]) -> None:
    """Adds the date to the unsent delivery about its series, or stores `row` as the first."""
    data = row["data"] | {"series_id": str(message.series_id)}
    due = await queries.database_time(session) + timedelta(seconds=WAIT)
    kinds = [message.kind, KIND_OF_SEVERAL[message.kind]]
    waiting = await queries.lock_series_delivery(session, row, str(message.series_id), kinds)
    if waiting is None or len(dates(waiting["data"])) >= MOST_DATES:
        await queries.add_deliveries(session, [row | {"data": data, "due_at": due}])
        return
    values = {"kind": kinds[1], "booking_id": None, "booking_version": None, "due_at": due}
    await queries.update_delivery(session, waiting, data=_merge(waiting, row), **values)


def _merge(waiting: Row, row: Row) -> dict[str, Any]:
    first, added = _with_booking(waiting), _with_booking(row)
    items = sorted(first["items"] + added["items"], key=lambda item: item["start"])
    merged: dict[str, Any] = first | {
        "items": items,
        "start": items[0]["start"],
        "price_amount": first["price_amount"] + added["price_amount"],
    }
    return {name: value for name, value in merged.items() if name != "message"}  # it stands on the booking's page


def _with_booking(row: Row) -> dict[str, Any]:
    """The data, with booking and version in each item."""
    booking = {"booking_id": str(row["booking_id"]), "booking_version": row["booking_version"]}
    items = [item if "booking_id" in item else item | booking for item in row["data"]["items"]]
    return {**row["data"], "items": items}


def dates(data: dict[str, Any]) -> dict[UUID, list[dict[str, Any]]]:
    """The items of each booking, by the booking's id. Empty for a mail about one booking."""
    bookings: dict[UUID, list[dict[str, Any]]] = {}
    for item in data.get("items", ()):
        if "booking_id" in item:
            bookings.setdefault(UUID(item["booking_id"]), []).append(item)
    return bookings
