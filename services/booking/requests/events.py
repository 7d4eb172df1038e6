"""Published events of requests. services/booking/events.py has the others."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from shared.messaging.events import Event

REQUEST: dict[str, Any] = {
    "version": 1,
    "request_id": "01936d5e-8d3e-7000-8000-0000000000f5",
    "kind": "booking",
    "service_ids": ["01936d5e-8d3e-7000-8000-0000000000c1"],
    "loctician_id": "01936d5e-8d3e-7000-8000-0000000000d1",
    "start": "2026-03-02T09:00:00Z",
}
Kind = Literal["booking", "waitlist"]
AboutTime = Literal[
    "closed",
    "hold_lapsed",
    "hold_mismatch",
    "holiday",
    "in_past",
    "off_grid",
    "outside_hours",
    "slot_taken",
    "too_far_ahead",
    "too_soon",
    "treatment_not_offered",
    "unknown_loctician",
    "unknown_treatment",
]
AboutCustomer = Literal["customer_overlap", "too_many_open", "too_many_wishes"]
"""Only the customer hears of these: who has asked may be somebody else."""


class BookingRequested(Event, type="booking.requested.v1", subject="request_id"):
    """Somebody who is not signed in asks for a time, which is kept until `expires_at`, or for a place on the waitlist.

    `sealed`: the name, address, phone number and language of who asks, and the digest of the browser, for auth alone.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {
        "expires_at": "2026-02-27T12:30:00Z",
        "end": "2026-03-02T10:30:00Z",
        "price_amount": 64900,
        "sealed": "c2VhbGVk",
    }

    request_id: UUID
    kind: Kind
    expires_at: datetime
    service_ids: list[UUID]
    loctician_id: UUID | None
    start: datetime | None
    end: datetime | None
    price_amount: int | None
    sealed: str


class BookingRequestRefused(Event, type="booking.request_refused.v1", subject="request_id"):
    """The address was proven, but the request cannot be met any more. `reason`: the code of the error."""

    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {
        "version": 2,
        "customer_id": "01936d5e-8d3e-7000-8000-0000000000e1",
        "reason": "hold_lapsed",
    }

    request_id: UUID
    customer_id: UUID
    kind: Kind
    reason: AboutTime | AboutCustomer
    service_ids: list[UUID]
    loctician_id: UUID | None
    start: datetime | None
