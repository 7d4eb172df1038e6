from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.booking.schemas.slots import AvailabilityRequest
from shared.schemas import Input, Money, Schema

Status = Literal["pending", "confirmed", "completed", "no_show", "cancelled"]


class BookingRequest(AvailabilityRequest):
    notes: Annotated[str, Field(max_length=2000)] | None = None
    customer_id: UUID | None = None


class CancelRequest(Input):
    reason: Annotated[str, Field(max_length=500)] | None = None


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
