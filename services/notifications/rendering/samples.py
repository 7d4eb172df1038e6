"""A made-up delivery of every type, to look at its text without sending anything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifications.names.service import Names, Salon
from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS, Part
from services.notifications.rendering.texts import Links

CUSTOMER, LOCTICIAN, EARLIER_LOCTICIAN = UUID(int=1), UUID(int=2), UUID(int=6)
RETWIST, BROADCAST, BOOKING = UUID(int=3), UUID(int=4), UUID(int=5)
APP_URL = "https://loctician.example"
START = datetime(2027, 3, 29, 8, tzinfo=UTC)
NOW = START - timedelta(hours=20, minutes=30)  # half an hour before the offer ends
RECIPIENTS: dict[Part, str] = {
    "customer": "Kirsten Ærø",
    "loctician": "Amina Diallo",
    "staff": "Søren Åkjær",
    "person": "Kirsten Ærø",
}
NAMES = Names(
    treatments={RETWIST: {"da": "Retwist af rødder", "en": "Root retwist"}},
    locticians={LOCTICIAN: "Amina", EARLIER_LOCTICIAN: "Jonas"},
    customers={CUSTOMER: "Kirsten Ærø"},
    broadcasts={
        BROADCAST: {
            "title": {"da": "Ferielukket i uge 29", "en": "Closed in week 29"},
            "body": {
                "da": "Vi holder ferie i uge 29.\n\nBook gerne din næste tid inden da.",
                "en": "We are on holiday in week 29.\n\nPlease book your next appointment before then.",
            },
        }
    },
    salon=Salon("Rodfæstet", "Eksempelgade 12, 2200 København N", "12 34 56 78", "Rodfæstet ApS", "12345674"),
    messages={BOOKING: "Amina er blevet syg."},
)


def types_and_parts() -> Iterator[tuple[str, Part]]:
    """Every notification type with each of its parts."""
    for notification_type in NOTIFICATION_TYPES.values():
        for part in notification_type.parts:
            yield notification_type.name, part


def delivery(kind: str, part: Part, language: str) -> dict[str, Any]:
    """As a sender has it: with the recipient's contact."""
    return {
        "id": UUID(int=9),
        "recipient_id": UUID(int=8),
        "resends": 0,
        "kind": kind,
        "part": part,
        "language": language,
        "full_name": RECIPIENTS[part],
        "email": "kirsten@example.com",
        "phone": "+4520123456",
        "booking_id": BOOKING,
        "booking_version": 2,
        "data": _data(kind, part),
    }


def links(kind: str, part: Part) -> Links:
    """In the form of unsubscribe.links and bookings.links, with tokens that prove nothing."""
    type_ = NOTIFICATION_TYPES[kind]
    topic = TOPICS[type_.topic]
    unsubscribe = f"{APP_URL}/api/v1/notifications/unsubscribe/{topic.name}/sample-proof"
    booking = f"{APP_URL}/bookings/{BOOKING}?token=wN6nYgPcBq3oSX0bZ2y8m5LrKd1vEJh7TfUaGxQiC4k"
    linked = part == "customer" and type_.links_to_booking
    dates = {str(BOOKING): booking} if part == "customer" and type_.series and type_.invitation == "REQUEST" else {}
    offer = f"{APP_URL}/offers/AZNtXo0-cACAAAAAAAAA8gzZqF0bD3yJ9mKk7h2cQvR8xWJfT5uYl1nGsE4oPaiQ"
    offer = offer if kind == "waitlist_offered" else ""
    return Links("" if topic.required else unsubscribe, booking if linked else "", dates, offer)


def _account(kind: str) -> dict[str, Any]:
    if kind in {"login_link", "booking_link", "waitlist_link"}:
        return _sign_in(kind)
    return {"occurred_at": _at(0), "expires_at": _at(24), "token": "sample-token", "role": "loctician"}


def _sign_in(kind: str) -> dict[str, Any]:
    data: dict[str, Any] = {"expires_at": _at(-20), "token": "sample-token", "code": "820316"}
    data |= {"items": [], "span": [], "price_amount": None}
    if kind == "login_link":
        return data
    item = {"service_id": str(RETWIST), "loctician_id": str(LOCTICIAN) if kind == "booking_link" else None}
    booked = {"span": [_at(0), _at(1.5)], "price_amount": 64900} if kind == "booking_link" else {}
    return data | {"items": [item]} | booked


def _data(kind: str, part: Part) -> dict[str, Any]:
    if kind in {"broadcast", "marketing"}:
        return {"broadcast_id": str(BROADCAST)}
    if kind.startswith("import_"):
        return _import(kind)
    if NOTIFICATION_TYPES[kind].topic == "account":
        return _account(kind)
    if kind.endswith("_refused"):
        return {"reason": "slot_taken"} | ({"start": _at(0)} if kind == "request_refused" else {})
    item = {"service_id": str(RETWIST), "loctician_id": str(LOCTICIAN), "start": _at(0), "end": _at(1.5)}
    data: dict[str, Any] = {"start": _at(0), "end": _at(1.5), "items": [item]}
    if kind == "waitlist_offered":
        return data | {"expires_at": _at(-20)}
    data |= {"customer_id": str(CUSTOMER), "price_amount": 64900}
    earlier = {"start": _at(-24), "end": _at(-22.5), "items": [item | {"loctician_id": str(EARLIER_LOCTICIAN)}]}
    if kind.startswith("series_"):
        later = item | {"start": _at(7 * 24), "end": _at(7 * 24 + 1.5)}
        booking = {"booking_id": str(BOOKING), "booking_version": 1}
        return data | {"items": [item | booking, later | booking], "price_amount": 129800, "reason": "by_salon"}
    match kind:
        case "booking_rescheduled" | "booking_change_requested":
            return data | {"previous": earlier | {"changed": ["time"]}}
        case "booking_changed":
            return data | {"previous": earlier | {"changed": ["loctician"]}}
        case "booking_cancelled":
            return data | {"reason": "by_salon", "message": "sealed" if part == "customer" else ""}
    return data


def _import(kind: str) -> dict[str, Any]:
    data: dict[str, Any] = {"import_id": str(UUID(int=7)), "name": "Privat", "host": "calendar.example.com"}
    if kind == "import_failing":
        return data | {"first_failed_at": _at(-30), "problem": "address_unreachable", "http_status": 404}
    if kind == "import_incomplete":
        return data | {"problems": [{"code": "no_start", "count": 2}, {"code": "unclear_rule", "count": 1}]}
    return data


def _at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()
