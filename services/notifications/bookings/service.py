"""What is to be told when a booking changes: mails to be sent, notices in the app, realtime messages."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.appointments.queries import upsert_appointment
from services.notifications.contacts.queries import find_colleagues
from services.notifications.dispatch.messages import Message, as_push
from services.notifications.dispatch.service import tell
from services.notifications.notification_types import NOTIFICATION_TYPES, Part
from shared.messaging.events import Push, derived_id, push
from shared.messaging.subscriptions import Received

SALON = ("staff", "admin")


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
    walk_in: bool = False  # a customer without an account: nobody there to be told, and no name known

    def items_of(self, loctician_id: UUID) -> list[Item]:
        return [item for item in self.items if item.loctician_id == loctician_id]

    @property
    def locticians(self) -> list[UUID]:
        return list(dict.fromkeys(item.loctician_id for item in self.items))


async def announce(session: AsyncSession, event: Received[Booking], kind: str) -> list[Item] | None:
    """Persist what is to be sent, before any of it is. Returns what was booked before, as far as is known; None for an
    event older than one already told of."""
    booking = event.data
    known = await upsert_appointment(session, _appointment(event))
    if known is None:
        return None
    before = [Item.model_validate(item) for item in known.get("items", ())]
    audience = [one for one in await _audience(session, booking, kind) if one[1] in NOTIFICATION_TYPES[kind].parts]
    await tell(session, [_message(event, kind, user, part) for user, part in audience] + _taken_away(event, before))
    return before


def _taken_away(event: Received[Booking], before: list[Item]) -> list[Message]:
    """To locticians who had a part in the booking and have none any more: for them it is cancelled."""
    booking = event.data
    gone = booking.model_copy(update={"status": "cancelled", "items": before})
    lost = replace(event, data=gone, pushed=False)
    left = [one for one in gone.locticians if one not in {*booking.locticians, booking.customer_id}]
    return [_message(lost, "booking_cancelled", one, "loctician") for one in left]


def _appointment(event: Received[Booking]) -> dict[str, Any]:
    booking = event.data
    return {
        "booking_id": booking.booking_id,
        "customer_id": booking.customer_id,
        "starts_at": booking.start,
        "active": booking.status == "confirmed" and not booking.walk_in,
        "known_at": event.time,
        "facts": _facts(booking, booking.customer_id, "customer"),
        "version": event.version,
    }


async def _audience(session: AsyncSession, booking: Booking, kind: str) -> list[tuple[UUID, Part]]:
    found = list(_recipients(booking))
    if "staff" in NOTIFICATION_TYPES[kind].parts:
        locticians = set(booking.locticians)
        found += [(one, "staff") for one in await find_colleagues(session, SALON) if one not in locticians]
    return found


def at_once(kind: str | None, available: bool | None, event: Received[Booking]) -> list[Push]:
    """What follows from the event alone: to whom it concerns, and whether its time is free now. `kind` None: the one
    that a new booking's status says."""
    kind = kind or new_kind(event.data)
    parts = NOTIFICATION_TYPES[kind].parts
    told = [_message(event, kind, user, part) for user, part in _recipients(event.data) if part in parts]
    return [as_push([one]) for one in told] + (_availability(event, available) if available is not None else [])


def new_kind(booking: Booking) -> str:
    return "booking_requested" if booking.status == "pending" else "booking_created"


def tell_availability(session: AsyncSession, event: Received[Booking], *, available: bool) -> None:
    if not event.pushed:
        for one in _availability(event, available):
            push(session, one)


def tell_move(session: AsyncSession, event: Received[Booking], before: list[Item]) -> None:
    """The old time is free. When it was never heard of: each item as much earlier or later as the whole moved."""
    booking = event.data
    free = [_change(event, item.loctician_id, item.blocked_start, item.blocked_end, True) for item in before]
    if not before and booking.previous_start is not None:
        moved = booking.start - booking.previous_start
        free = [
            _change(event, item.loctician_id, item.blocked_start - moved, item.blocked_end - moved, True)
            for item in booking.items
        ]
    for one in free + _availability(event, False):
        push(session, one)


def _availability(event: Received[Booking], available: bool) -> list[Push]:
    return [
        _change(event, item.loctician_id, item.blocked_start, item.blocked_end, available) for item in event.data.items
    ]


def _change(event: Received[Booking], loctician_id: UUID, start: datetime, end: datetime, available: bool) -> Push:
    data = {"loctician_id": str(loctician_id), "start": utc(start), "end": utc(end), "available": available}
    of_item = derived_id(event.taken_at, event.id, f"{loctician_id} {utc(start)} {available}")
    return Push(of_item, [f"loctician:{loctician_id}"], "availability_update", data)


def _recipients(booking: Booking) -> Iterator[tuple[UUID, Part]]:
    if not booking.walk_in:
        yield booking.customer_id, "customer"
    for loctician_id in booking.locticians:
        if loctician_id != booking.customer_id:
            yield loctician_id, "loctician"


def _items_for(booking: Booking, user: UUID, part: Part) -> list[Item]:
    return booking.items_of(user) if part == "loctician" else booking.items


def _message(event: Received[Booking], kind: str, user: UUID, part: Part) -> Message:
    return Message(
        event_id=event.id,
        recipient_id=user,
        id=derived_id(event.taken_at, event.id, str(user)),
        kind=kind,
        part=part,
        facts=_facts(event.data, user, part),
        shown=_update(event.data, event.version, user, part),
        booking_id=event.data.booking_id,
        booking_version=event.version,
        request_id=event.request_id,
        pushed=event.pushed and part != "staff",
    )


def _update(booking: Booking, version: int, user: UUID, part: Part) -> dict[str, Any]:
    items = _items_for(booking, user, part)
    return {
        "booking_id": str(booking.booking_id),
        "status": booking.status,
        "start": utc(min(item.start for item in items)),
        "end": utc(max(item.end for item in items)),
        "loctician_id": str(items[0].loctician_id),
        "version": version,
    }


def _facts(booking: Booking, user: UUID, part: Part) -> dict[str, Any]:
    """What the mail will say, as ids and figures only."""
    items = _items_for(booking, user, part)
    price = sum(item.price_amount for item in items) if part == "loctician" else booking.price_amount
    customer = {"walk_in": True} if booking.walk_in else {"customer_id": str(booking.customer_id)}
    return {
        **customer,
        "start": utc(min(item.start for item in items)),
        "price_amount": price,
        "items": [
            {
                "treatment_id": str(item.treatment_id),
                "loctician_id": str(item.loctician_id),
                "start": utc(item.start),
                "end": utc(item.end),
                "blocked_start": utc(item.blocked_start),
                "blocked_end": utc(item.blocked_end),
                "price_amount": item.price_amount,
            }
            for item in items
        ],
    }


def utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
