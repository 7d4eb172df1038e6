"""HTTP models of series."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from domain import examples
from domain.times import Start
from services.booking.bookings.schemas import Booking, CancelledBooking, CancelRequest, Notes
from services.booking.catalog.schemas import EXAMPLE_TREATMENT_ID
from services.booking.customers.schemas import CustomerId
from services.booking.errors import BY_CODE
from services.booking.profiles.schemas import EXAMPLE_LOCTICIAN_ID
from services.booking.slots.schemas import AvailabilityRequest
from shared.http.schemas import Schema

Code = Annotated[str, Field(json_schema_extra={"enum": [*sorted(BY_CODE)]})]


class SeriesRequest(AvailabilityRequest):
    """`times` appointments, `every_weeks` apart, at the same local time in Copenhagen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "service_ids": [EXAMPLE_TREATMENT_ID],
                    "loctician_id": EXAMPLE_LOCTICIAN_ID,
                    "start": examples.START,
                    "every_weeks": 6,
                    "times": 4,
                }
            ]
        }
    )

    every_weeks: Annotated[int, Field(ge=1, le=26, strict=True)]
    times: Annotated[int, Field(ge=2, le=26, strict=True)]
    notes: Notes | None = None
    customer_id: CustomerId | None = None


class SeriesDate(Schema):
    start: datetime
    booking: Booking | None
    reason: Annotated[
        Code | None,
        Field(description="The error code, if the date could not be booked", examples=["slot_taken"]),
    ]


class Series(Schema):
    series_id: UUID
    items: list[SeriesDate]


class SeriesCancelRequest(CancelRequest):
    """Dates that begin before `from` stay; without it all coming dates are cancelled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": examples.START, "reason": "Jeg flytter til Aarhus."}]}
    )

    start: Annotated[Start | None, Field(alias="from", examples=[examples.START])] = None


class CancelledDate(Schema):
    start: datetime
    booking: CancelledBooking | None
    reason: Annotated[
        Code | None,
        Field(description="The error code, if the date could not be cancelled", examples=["already_started"]),
    ]


class CancelledSeries(Schema):
    series_id: UUID
    items: list[CancelledDate]
