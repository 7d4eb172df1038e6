"""What booking publishes. Instants are UTC; amounts are øre, VAT included."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.events import Event

ITEM = {
    "item_id": "01936d5e-8d3e-7000-8000-0000000000b1",
    "treatment_id": "01936d5e-8d3e-7000-8000-0000000000c1",
    "loctician_id": "01936d5e-8d3e-7000-8000-0000000000d1",
    "start": "2026-03-02T09:00:00Z",
    "end": "2026-03-02T10:30:00Z",
    "blocked_start": "2026-03-02T09:00:00Z",
    "blocked_end": "2026-03-02T10:45:00Z",
    "price_amount": 64900,
}
BOOKING: dict[str, Any] = {
    "version": 1,
    "booking_id": "01936d5e-8d3e-7000-8000-0000000000a1",
    "status": "confirmed",
    "customer_id": "01936d5e-8d3e-7000-8000-0000000000e1",
    "start": "2026-03-02T09:00:00Z",
    "end": "2026-03-02T10:30:00Z",
    "price_amount": 64900,
    "currency": "DKK",
    "items": [ITEM],
    "reason": None,
    "previous_start": None,
}
TREATMENT: dict[str, Any] = {
    "version": 1,
    "treatment_id": "01936d5e-8d3e-7000-8000-0000000000c1",
    "category": "maintenance",
    "duration_minutes": 90,
    "price_amount": 64900,
    "currency": "DKK",
    "translations": {
        "da": {"name": "Retwist", "description": "Opstramning af rødderne."},
        "en": {"name": "Retwist", "description": "Tightening of the roots."},
    },
    "active": True,
}


class BookedItem(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    item_id: UUID
    treatment_id: UUID
    loctician_id: UUID
    start: datetime
    end: datetime
    blocked_start: datetime
    blocked_end: datetime
    price_amount: int


class BookingEvent(Event):
    """`reason` is a code, never what somebody wrote."""

    booking_id: UUID
    status: str
    customer_id: UUID
    start: datetime
    end: datetime
    price_amount: int
    currency: str
    items: list[BookedItem]
    reason: str | None
    previous_start: datetime | None


class BookingCreated(BookingEvent, type="booking.created.v1", subject="booking_id"):
    """Written by the SQL function booking.book()."""

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING


class BookingCancelled(BookingEvent, type="booking.cancelled.v1", subject="booking_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2, "status": "cancelled", "reason": "by_customer"}


class Translation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str


class TreatmentEvent(Event):
    treatment_id: UUID
    category: str
    duration_minutes: int
    price_amount: int
    currency: str
    translations: dict[str, Translation]
    active: bool


class TreatmentCreated(TreatmentEvent, type="treatment.created.v1", subject="treatment_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = TREATMENT


class TreatmentUpdated(TreatmentEvent, type="treatment.updated.v1", subject="treatment_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = TREATMENT | {"version": 2, "price_amount": 69900}


class TreatmentArchived(TreatmentEvent, type="treatment.archived.v1", subject="treatment_id"):
    """No longer offered; what was booked stands."""

    EXAMPLE: ClassVar[dict[str, Any]] = TREATMENT | {"version": 3, "active": False}


class LocticianUpdated(Event, type="loctician.updated.v1", subject="loctician_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "loctician_id": "01936d5e-8d3e-7000-8000-0000000000d1",
        "display_name": "Amina",
        "treatment_ids": ["01936d5e-8d3e-7000-8000-0000000000c1"],
    }

    loctician_id: UUID
    display_name: str
    treatment_ids: list[UUID]
