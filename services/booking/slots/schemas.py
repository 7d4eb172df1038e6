"""HTTP models of free times, and of a request for one."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from domain import examples
from domain.times import Instant
from services.booking.catalog.prices import MoneyWithVat
from services.booking.catalog.schemas import EXAMPLE_TREATMENT_ID, TreatmentId
from services.booking.errors import UNBOOKABLE
from services.booking.profiles.schemas import LocticianId
from shared.http.pagination import Page
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

MAX_TREATMENTS = 8
Unbookable = Annotated[str, Field(json_schema_extra={"enum": sorted(error.code for error in UNBOOKABLE)})]


def _distinct(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise invalid(
            "named_twice",
            en="contains the same treatment twice",
            da="Den samme behandling er angivet to gange.",
        )
    return ids


TreatmentIds = Annotated[list[TreatmentId], Field(min_length=1, max_length=MAX_TREATMENTS), AfterValidator(_distinct)]
End = Annotated[datetime, Field(examples=[examples.END])]


BookingToMove = Annotated[
    UUID,
    Field(
        description="A booking that the caller may change: its own time, with its buffers, is left out of account, and "
        "its treatments count if none are given.",
        examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b02"],
    ),
]


class AvailabilityRequest(Input):
    service_ids: TreatmentIds
    loctician_id: LocticianId | None = None
    start: Instant


class AvailabilityCheck(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "service_ids": [EXAMPLE_TREATMENT_ID],
                    "loctician_id": None,
                    "start": examples.START,
                }
            ]
        }
    )

    service_ids: TreatmentIds | None = None
    loctician_id: LocticianId | None = None
    start: Instant
    booking_id: BookingToMove | None = None

    @model_validator(mode="after")
    def _names_treatments(self) -> Self:
        if not self.service_ids and self.booking_id is None:
            raise invalid(
                "service_ids_missing",
                en="Choose at least one treatment; it must be one that can be booked.",
                da="Vælg mindst én behandling, der kan bookes.",
            )
        return self


class Part(Schema):
    service_id: TreatmentId
    loctician_id: LocticianId
    start: datetime
    end: End


class Slot(Schema):
    start: datetime
    end: End
    loctician_id: LocticianId
    service_ids: list[TreatmentId]
    price: MoneyWithVat
    items: Annotated[
        list[Part] | None,
        Field(description="Only if several locticians share the sitting; loctician_id is then the first of them"),
    ] = None


class Slots(Page[Slot]):
    """By start, then by loctician. With `next_cursor` there are more."""


class SlotDay(Schema):
    """A day in Copenhagen, and the free times that begin on it."""

    day: Annotated[date, Field(examples=[examples.FIRST_DAY])]
    first: Annotated[datetime | None, Field(description="The first start; null if nothing is free")]
    last: Annotated[datetime | None, Field(description="The last start; null if nothing is free")]
    start_count: Annotated[
        int, Field(description="How many different starts there are; 0 if nothing is free", examples=[12])
    ]
    price_from: Annotated[MoneyWithVat | None, Field(description="The lowest price; null if nothing is free")]


class SlotDays(Schema):
    items: list[SlotDay]


class Availability(Schema):
    available: bool
    reason: Annotated[Unbookable | None, Field(description="An error code", examples=["slot_taken"])]
    alternatives: list[Slot]
