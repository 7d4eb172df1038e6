"""What is sent when a booking changes: mails and SMS, notices in the app, realtime messages."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from domain.clock import to_copenhagen
from services.notifications.appointments.queries import upsert_appointment
from services.notifications.bookings import changes
from services.notifications.bookings.model import Booking, Item
from services.notifications.contacts.queries import find_colleagues
from services.notifications.dispatch.messages import Message, as_push, format_utc
from services.notifications.dispatch.service import dispatch
from services.notifications.notification_types import NOTIFICATION_TYPES, Part
from shared.messaging.events import Push, push
from shared.messaging.subscriptions import Received

SALON = ("staff", "admin")


async def notify(session: AsyncSession, event: Received[Booking], kind: str) -> list[Item] | None:
    """Stores the messages to everybody concerned. They are sent after the commit.

    Returns the items of the previous version, as far as they are known; None for an event older than one already
    handled, which is ignored, and for a republished one, of which nobody is notified.
    """
    known = await upsert_appointment(session, _appointment(event))
    if known is None or event.republished:
        return None
    previous = [Item.model_validate(item) for item in known.get("items", ())]
    recipients = await _recipients(session, event.data, kind)
    messages = [_message(event, kind, user_id, part, previous) for user_id, part in recipients]
    await dispatch(session, messages + _messages_to_removed_locticians(event, previous))
    return previous


def kind_of_new(booking: Booking) -> str:
    return "booking_requested" if booking.status == "pending" else "booking_created"


def immediate_pushes(kind: str | None, moves: bool, event: Received[Booking]) -> list[Push]:
    """The realtime messages that follow from the event alone, before the database has handled it.

    `kind` None: that of a new booking. `moves`: the free times of the booking's days change.
    """
    kind = kind or kind_of_new(event.data)
    parts = NOTIFICATION_TYPES[kind].parts
    messages = [_message(event, kind, user_id, part) for user_id, part in _participants(event.data) if part in parts]
    pushes = [as_push([message]) for message in messages]
    return pushes + _availability_pushes(event, event.data.items) if moves else pushes


def push_availability(session: AsyncSession, event: Received[Booking]) -> None:
    if not event.pushed:
        for message in _availability_pushes(event, event.data.items):
            push(session, message)


def push_move(session: AsyncSession, event: Received[Booking], previous: list[Item]) -> None:
    """The days of the old times and of the new. If the previous version is not known, each item is assumed to have
    moved by as much as the booking."""
    booking = event.data
    before = previous
    if not before and booking.previous_start is not None:
        shift = booking.previous_start - booking.start
        before = [
            item.model_copy(
                update={"blocked_start": item.blocked_start + shift, "blocked_end": item.blocked_end + shift}
            )
            for item in booking.items
        ]
    for message in _availability_pushes(event, [*before, *booking.items]):
        push(session, message)


def _availability_pushes(event: Received[Booking], items: Iterable[Item]) -> list[Push]:
    """Anybody may hear them, so they name a day of a loctician and neither a time nor whether it was taken."""
    days = {
        (item.loctician_id, to_copenhagen(instant).date().isoformat())
        for item in items
        for instant in (item.blocked_start, item.blocked_end)
    }
    return [
        Push(
            _derived_id(event.taken_at, event.id, f"{loctician_id} {day}"),
            [f"loctician:{loctician_id}"],
            "availability_update",
            {"loctician_id": str(loctician_id), "date": day},
        )
        for loctician_id, day in sorted(days, key=str)
    ]


def _appointment(event: Received[Booking]) -> dict[str, Any]:
    booking = event.data
    return {
        "booking_id": booking.booking_id,
        "customer_id": booking.customer_id,
        "starts_at": booking.start,
        "active": booking.status == "confirmed" and not booking.walk_in,
        "agreed_at": event.time,
        "facts": _mail_data(booking, booking.customer_id, "customer"),
        "version": event.version,
    }


async def _recipients(session: AsyncSession, booking: Booking, kind: str) -> list[tuple[UUID, Part]]:
    parts = NOTIFICATION_TYPES[kind].parts
    recipients = [(user_id, part) for user_id, part in _participants(booking) if part in parts]
    if "staff" in parts:
        locticians = set(booking.locticians)
        colleagues = await find_colleagues(session, SALON)
        recipients += [(user_id, "staff") for user_id in colleagues if user_id not in locticians]
    return recipients


def _participants(booking: Booking) -> Iterator[tuple[UUID, Part]]:
    if not booking.walk_in:
        yield booking.customer_id, "customer"
    for loctician_id in booking.locticians:
        if loctician_id != booking.customer_id:
            yield loctician_id, "loctician"


def _messages_to_removed_locticians(event: Received[Booking], previous: list[Item]) -> list[Message]:
    """For a loctician who had a part in the previous version and has none now, the booking is cancelled."""
    booking = event.data
    cancelled = booking.model_copy(update={"status": "cancelled", "reason": "reassigned", "items": previous})
    cancellation = replace(event, data=cancelled, pushed=False)
    remaining = {*booking.locticians, booking.customer_id}
    removed = [loctician_id for loctician_id in cancelled.locticians if loctician_id not in remaining]
    return [_message(cancellation, "booking_cancelled", loctician_id, "loctician") for loctician_id in removed]


def _message(
    event: Received[Booking], kind: str, user_id: UUID, part: Part, previous: list[Item] | None = None
) -> Message:
    more = _cancellation(event.data, part) if kind == "booking_cancelled" else {}
    if kind == "booking_rescheduled":
        kind, more = changes.describe(event.data, previous or [], user_id, part)
    return Message(
        event_id=event.id,
        recipient_id=user_id,
        id=_derived_id(event.taken_at, event.id, str(user_id)),
        kind=kind,
        part=part,
        mail_data=_mail_data(event.data, user_id, part) | more,
        app_data=_app_data(event.data, event.version, user_id, part),
        booking_id=event.data.booking_id,
        booking_version=event.version,
        series_id=event.data.series_id,
        request_id=event.request_id,
        pushed=event.pushed and part != "staff",
    )


def _cancellation(booking: Booking, part: Part) -> dict[str, Any]:
    """Why, as a code; and, for the customer, what the salon wrote, still sealed."""
    message = booking.message if part == "customer" else None
    return {"reason": booking.reason or "", "message": message or ""}


def _app_data(booking: Booking, version: int, user_id: UUID, part: Part) -> dict[str, Any]:
    items = booking.items_for(user_id, part)
    return {
        "booking_id": str(booking.booking_id),
        "status": booking.status,
        "start": format_utc(min(item.start for item in items)),
        "end": format_utc(max(item.end for item in items)),
        "loctician_id": str(items[0].loctician_id),
        "version": version,
    }


def _mail_data(booking: Booking, user_id: UUID, part: Part) -> dict[str, Any]:
    """Ids and figures only: names are looked up when the mail is sent."""
    items = booking.items_for(user_id, part)
    price = sum(item.price_amount for item in items) if part == "loctician" else booking.price_amount
    customer = {"walk_in": True} if booking.walk_in else {"customer_id": str(booking.customer_id)}
    return {
        **customer,
        "status": booking.status,
        "start": format_utc(min(item.start for item in items)),
        "price_amount": price,
        "items": [
            {
                "service_id": str(item.service_id),
                "loctician_id": str(item.loctician_id),
                "start": format_utc(item.start),
                "end": format_utc(item.end),
                "blocked_start": format_utc(item.blocked_start),
                "blocked_end": format_utc(item.blocked_end),
                "price_amount": item.price_amount,
            }
            for item in items
        ],
    }


def _derived_id(at: datetime, event_id: UUID, name: str) -> UUID:
    """A UUIDv7 whose random bits are derived from event and name, so that a repeated message has the same bits."""
    bits = uuid5(event_id, name).int & (1 << 62) - 1
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | (event_id.int >> 64 & 0xFFF) << 64 | 2 << 62 | bits)
