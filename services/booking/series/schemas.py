from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.booking.bookings.schemas import Booking, Notes
from services.booking.slots.schemas import AvailabilityRequest
from shared.http.schemas import Schema


class SeriesRequest(AvailabilityRequest):
    """`times` appointments, every so many weeks at the same hour of the clock in Copenhagen."""

    every_weeks: Annotated[int, Field(ge=1, le=26, strict=True)]
    times: Annotated[int, Field(ge=2, le=26, strict=True)]
    notes: Notes | None = None
    customer_id: UUID | None = None


class SeriesDate(Schema):
    start: datetime
    booking: Booking | None
    reason: str | None


class Series(Schema):
    series_id: UUID
    items: list[SeriesDate]
