"""HTTP models. Amounts are øre, VAT included; instants are answered in Europe/Copenhagen."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from shared.schemas import Input, Instant, Money, Schema

MAX_TREATMENTS = 8
Status = Literal["pending", "confirmed", "completed", "no_show", "cancelled"]


def _distinct(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise ValueError("the same treatment is named twice")
    return ids


TreatmentIds = Annotated[list[UUID], Field(min_length=1, max_length=MAX_TREATMENTS), AfterValidator(_distinct)]


class AvailabilityRequest(Input):
    service_ids: TreatmentIds
    loctician_id: UUID | None = None
    start: Instant


class BookingRequest(AvailabilityRequest):
    notes: Annotated[str, Field(max_length=2000)] | None = None
    customer_id: UUID | None = None


class CancelRequest(Input):
    reason: Annotated[str, Field(max_length=500)] | None = None


class Slot(Schema):
    start: datetime
    end: datetime
    loctician_id: UUID
    service_ids: list[UUID]
    price: Money


class Slots(Schema):
    items: list[Slot]


class Availability(Schema):
    available: bool
    reason: str | None
    alternatives: list[Slot]


class BookedTreatment(Schema):
    service_id: UUID
    loctician_id: UUID
    start: datetime
    end: datetime
    price: Money


class Booking(Schema):
    id: UUID
    status: Status
    start: datetime
    end: datetime
    customer_id: UUID
    price: Money
    notes: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    items: list[BookedTreatment]


class CancelledBooking(Booking):
    cancellation_window_hours: int
    cancellation_window_kept: bool


class Change(Schema):
    at: datetime
    change: str
    status: Status
    version: int
    actor_role: str
    actor_id: UUID | None


class History(Schema):
    items: list[Change]


class Translation(Schema):
    name: str
    description: str


class Treatment(Schema):
    id: UUID
    name: str
    description: str
    category: str
    duration_minutes: int
    price: Money
    loctician_ids: list[UUID]
    translations: dict[str, Translation]
    version: int


class OfferedTreatment(Schema):
    service_id: UUID
    duration_minutes: int
    price: Money


class Loctician(Schema):
    id: UUID
    display_name: str
    bio: str
    treatments: list[OfferedTreatment]
    version: int
