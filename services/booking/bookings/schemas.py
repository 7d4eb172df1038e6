from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

import phonenumbers
from pydantic import AfterValidator, Field, model_validator

from services.booking.money import MoneyWithVat
from services.booking.slots.schemas import AvailabilityRequest, TreatmentIds
from shared.http.schemas import Input, Instant, Schema
from shared.http.validation_messages import invalid

HOME = "DK"


def _phone(value: str) -> str:
    """In E.164; a number without a country is Danish."""
    try:
        number = phonenumbers.parse(value, HOME)
    except phonenumbers.NumberParseException as error:
        raise invalid("phone", en="is no phone number", da="Er ikke et telefonnummer.") from error
    if not phonenumbers.is_valid_number(number):
        raise invalid("phone", en="is no phone number that exists", da="Er ikke et telefonnummer, der findes.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


Phone = Annotated[str, Field(max_length=40), AfterValidator(_phone)]
Notes = Annotated[str, Field(max_length=2000)]

Status = Literal["pending", "confirmed", "completed", "no_show", "cancelled"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class WalkIn(Input):
    """Somebody without an account."""

    name: Name | None = None
    phone: Phone | None = None


class BookingRequest(AvailabilityRequest):
    notes: Notes | None = None
    internal_notes: Notes | None = None
    customer_id: UUID | None = None
    walk_in: WalkIn | None = None
    hold_id: UUID | None = None


class ChangeRequest(Input):
    """What is left out stays as it is; `loctician_id: null` means any."""

    start: Instant | None = None
    service_ids: TreatmentIds | None = None
    loctician_id: UUID | None = None
    notes: Notes | None = None
    internal_notes: Notes | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise invalid("nothing_to_change", en="nothing to change", da="Der er intet at ændre.")
        for name in ("start", "service_ids"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise invalid(
                    "not_null",
                    en=f"{name} may be left out but not be null",
                    da=f"{name} kan udelades, men må ikke være null.",
                )
        return self


class CancelRequest(Input):
    reason: Annotated[str, Field(max_length=500)] | None = None


class BookedTreatment(Schema):
    service_id: UUID
    loctician_id: UUID
    start: datetime
    end: datetime
    price: MoneyWithVat


class BookedWalkIn(Schema):
    name: str | None
    phone: str | None


class Booking(Schema):
    id: UUID
    status: Status
    start: datetime
    end: datetime
    customer_id: UUID | None
    walk_in: BookedWalkIn | None
    price: MoneyWithVat
    notes: str | None
    internal_notes: Annotated[str | None, Field(description="Left out for customers")] = None
    conflicted: bool
    series_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    items: list[BookedTreatment]


class CancelledBooking(Booking):
    cancellation_window_hours: int
    cancellation_window_kept: bool


class Change(Schema):
    at: datetime
    change: str
    status: Status
    start: datetime
    end: datetime
    price: MoneyWithVat
    version: int
    actor_role: str
    actor_id: UUID | None


class History(Schema):
    items: list[Change]
