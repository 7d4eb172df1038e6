"""What is to be told when a booking changes: mails to be sent, notices in the app, realtime messages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import deliveries, queries
from shared.events import new_id, push
from shared.subscriptions import Received


class Item(BaseModel):
    treatment_id: UUID
    loctician_id: UUID
    start: AwareDatetime
    end: AwareDatetime
    blocked_start: AwareDatetime
    blocked_end: AwareDatetime
    price_amount: int


class Booking(BaseModel):
    booking_id: UUID
    status: str
    customer_id: UUID
    start: AwareDatetime
    end: AwareDatetime
    price_amount: int
    items: list[Item] = Field(min_length=1, max_length=100)
    previous_start: AwareDatetime | None = None

    def items_of(self, loctician_id: UUID) -> list[Item]:
        return [item for item in self.items if item.loctician_id == loctician_id]

    @property
    def locticians(self) -> list[UUID]:
        return list(dict.fromkeys(item.loctician_id for item in self.items))


async def announce(session: AsyncSession, event: Received[Booking], kind: str) -> bool:
    """Persist what is to be sent, before any of it is. False for an event older than one already told of."""
    booking = event.data
    if not await queries.is_newest(session, booking.booking_id, event.version):
        return False
    recipients = list(_recipients(booking))
    await queries.add_deliveries(session, [_delivery(event, kind, user, part) for user, part in recipients])
    await queries.add_notices(session, [_notice(event, kind, user, part) for user, part in recipients])
    for user, part in recipients:
        push(session, [f"user:{user}"], "booking_update", _update(booking, event.version, user, part))
    deliveries.wake_after_commit(session)
    return True


def tell_availability(session: AsyncSession, booking: Booking, *, available: bool) -> None:
    for item in booking.items:
        _tell_availability(session, item.loctician_id, item.blocked_start, item.blocked_end, available=available)


def tell_move(session: AsyncSession, booking: Booking) -> None:
    """The old time is free, as far as the event tells it: each item as much earlier or later as the whole moved."""
    if booking.previous_start is not None:
        moved = booking.start - booking.previous_start
        for item in booking.items:
            start, end = item.blocked_start - moved, item.blocked_end - moved
            _tell_availability(session, item.loctician_id, start, end, available=True)
    tell_availability(session, booking, available=False)


def _tell_availability(
    session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime, *, available: bool
) -> None:
    data = {"loctician_id": str(loctician_id), "start": _utc(start), "end": _utc(end), "available": available}
    push(session, [f"loctician:{loctician_id}"], "availability_update", data)


def _recipients(booking: Booking) -> Iterator[tuple[UUID, str]]:
    yield booking.customer_id, "customer"
    for loctician_id in booking.locticians:
        if loctician_id != booking.customer_id:
            yield loctician_id, "loctician"


def _items_for(booking: Booking, user: UUID, part: str) -> list[Item]:
    return booking.items if part == "customer" else booking.items_of(user)


def _update(booking: Booking, version: int, user: UUID, part: str) -> dict[str, Any]:
    items = _items_for(booking, user, part)
    return {
        "booking_id": str(booking.booking_id),
        "status": booking.status,
        "start": _utc(min(item.start for item in items)),
        "end": _utc(max(item.end for item in items)),
        "loctician_id": str(items[0].loctician_id),
        "version": version,
    }


def _notice(event: Received[Booking], kind: str, user: UUID, part: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "event_id": event.id,
        "user_id": user,
        "kind": kind,
        "part": part,
        "data": _update(event.data, event.version, user, part),
    }


def _delivery(event: Received[Booking], kind: str, user: UUID, part: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "event_id": event.id,
        "recipient_id": user,
        "channel": "mail",
        "kind": kind,
        "part": part,
        "booking_id": event.data.booking_id,
        "booking_version": event.version,
        "data": _facts(event.data, user, part),
        "give_up_at": datetime.now(UTC) + timedelta(seconds=deliveries.PATIENCE),
        "request_id": event.request_id,
    }


def _facts(booking: Booking, user: UUID, part: str) -> dict[str, Any]:
    """What the mail will say, as ids and figures only."""
    items = _items_for(booking, user, part)
    price = booking.price_amount if part == "customer" else sum(item.price_amount for item in items)
    return {
        "customer_id": str(booking.customer_id),
        "start": _utc(min(item.start for item in items)),
        "price_amount": price,
        "items": [
            {
                "treatment_id": str(item.treatment_id),
                "loctician_id": str(item.loctician_id),
                "start": _utc(item.start),
                "end": _utc(item.end),
            }
            for item in items
        ],
    }


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
