"""HTTP models of bookings."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from domain import examples
from domain.bookings import BookingStatus
from domain.people import PhoneNumber, PlainName
from domain.replacements import Replacement
from domain.roles import ACTOR_ROLES
from domain.times import Instant
from services.booking.catalog.prices import MoneyWithVat
from services.booking.catalog.schemas import EXAMPLE_TREATMENT_ID, TreatmentId
from services.booking.customers.schemas import CustomerId
from services.booking.events import BookingEvent
from services.booking.holds.schemas import HoldId
from services.booking.profiles.schemas import LocticianId
from services.booking.slots.schemas import AvailabilityRequest, End, TreatmentIds
from shared.http.pagination import Page
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

CHANGES = sorted(event.type_.split(".")[1] for event in BookingEvent.__subclasses__())
CancelCode = Literal["by_customer", "by_salon", "customer_erased", "not_confirmed"]
EXAMPLE_NOTES = "Jeg kommer direkte fra arbejde og er måske fem minutter forsinket."


BookingId = Annotated[UUID, Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b02"])]
Name = Annotated[str, Field(min_length=1, max_length=200), PlainName]
Phone = Annotated[str, Field(max_length=40), PhoneNumber]
Notes = Annotated[str, Field(max_length=2000, examples=[EXAMPLE_NOTES])]
InternalNotes = Annotated[str, Field(max_length=2000, examples=["Sart hovedbund."])]


class WalkIn(Input):
    """A guest without an account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Jonas", "phone": "+4520123456"}]})

    name: Name | None = None
    phone: Phone | None = None


EXAMPLE_BOOKING: dict[str, Any] = {
    "service_ids": [EXAMPLE_TREATMENT_ID],
    "loctician_id": None,
    "start": examples.START,
    "notes": EXAMPLE_NOTES,
}


class BookingRequest(AvailabilityRequest):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_BOOKING]})

    notes: Notes | None = None
    internal_notes: InternalNotes | None = None
    customer_id: CustomerId | None = None
    walk_in: WalkIn | None = None
    hold_id: HoldId | None = None


class ChangeRequest(Replacement):
    """Fields that are left out stay as they are. `loctician_id: null` means any loctician.

    `duration_minutes` is for the salon: the last treatment of this booking ends earlier or later, at the same price. It
    is sent by itself.
    """

    answer: ClassVar = "Booking"

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": examples.MOVED}]})

    start: Instant | None = None
    service_ids: TreatmentIds | None = None
    loctician_id: LocticianId | None = None
    notes: Notes | None = None
    internal_notes: InternalNotes | None = None
    walk_in: WalkIn | None = None
    duration_minutes: Annotated[int, Field(ge=5, le=1440, strict=True, examples=[120])] | None = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_no_walk_in(cls, value: Any) -> Any:
        """GET shows null for a customer with an account."""
        no_walk_in = isinstance(value, dict) and value.get("walk_in", value) is None
        return {name: item for name, item in value.items() if name != "walk_in"} if no_walk_in else value

    @model_validator(mode="after")
    def _has_changes(self) -> Self:
        if not self.model_fields_set:
            raise invalid("nothing_to_change", en="nothing to change", da="Der er intet at ændre.")
        for name in ("start", "service_ids", "duration_minutes"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise invalid(
                    "not_null",
                    en=f"{name} can be left out but must not be null",
                    da=f"{name} kan udelades, men må ikke være null.",
                )
        if self.duration_minutes is not None and len(self.model_fields_set) > 1:
            raise invalid(
                "not_together",
                en="The length must be changed by itself, without other changes.",
                da="Længden skal ændres for sig, uden andre ændringer.",
            )
        return self


class CancelRequest(Input):
    reason: Annotated[str, Field(max_length=500, examples=["Jeg er blevet syg."])] | None = None


class BookedService(Schema):
    """`name`: as it was booked, in the language of the call. A treatment that was renamed since keeps it here."""

    id: TreatmentId
    name: Annotated[str, Field(examples=["Retwist"])]
    duration_minutes: Annotated[int, Field(examples=[90])]


class BookedLoctician(Schema):
    id: LocticianId
    name: Annotated[str, Field(examples=["Amina"])]


class BookedTreatment(Schema):
    service_id: TreatmentId
    service: BookedService
    loctician_id: LocticianId
    loctician: BookedLoctician
    start: datetime
    end: End
    price: MoneyWithVat


class BookedWalkIn(Schema):
    name: str | None
    phone: str | None


class BookedCustomer(Schema):
    """`id` is null for a walk-in. `name` and `phone` are null where nobody said them."""

    id: CustomerId | None
    name: Annotated[str | None, Field(examples=["Freja Holm"])]
    phone: Annotated[str | None, Field(examples=["+4520123456"])]
    email: Annotated[str | None, Field(description="Only for staff and admins", examples=["freja@example.dk"])] = None
    no_show_count: Annotated[
        int | None, Field(description="With any loctician. Left out for the customer", examples=[0])
    ] = None


class Booking(Schema):
    id: BookingId
    status: BookingStatus
    start: datetime
    end: End
    customer_id: CustomerId | None
    customer: Annotated[
        BookedCustomer | None, Field(description="Left out for whoever has only the link of a mail")
    ] = None
    walk_in: Annotated[BookedWalkIn | None, Field(examples=[None])]
    price: MoneyWithVat
    notes: Annotated[str | None, Field(examples=[EXAMPLE_NOTES])]
    internal_notes: Annotated[
        str | None,
        Field(description="Left out for customers", examples=["Sart hovedbund."]),
    ] = None
    conflicted: bool
    customer_inactive: Annotated[
        bool, Field(description="The customer's account was deactivated: the salon keeps or cancels the booking")
    ]
    series_id: UUID | None
    confirm_by: Annotated[
        datetime | None,
        Field(description="Of a pending booking: it is cancelled if the salon has not confirmed it by then"),
    ]
    version: int
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    cancel_reason: Annotated[
        str | None,
        Field(
            description="What somebody wrote; `not_confirmed` if the salon did not confirm the booking in time",
            examples=["Jeg er blevet syg."],
        ),
    ]
    cancel_code: Annotated[CancelCode | None, Field(description="Who cancelled it, or why nobody had to")]
    items: list[BookedTreatment]


class BookingPage(Page[Booking]):
    count: Annotated[
        int | None,
        Field(description="Of all pages, if asked for; 10000 for so many or more", examples=[42]),
    ] = None


class CancelledBooking(Booking):
    cancellation_window_hours: Annotated[int, Field(examples=[24])]
    cancellation_window_kept: bool


class Change(Schema):
    changed_at: datetime
    change: Annotated[str, Field(examples=["created"], json_schema_extra={"enum": CHANGES})]
    status: BookingStatus
    start: datetime
    end: End
    price: MoneyWithVat
    version: int
    actor_role: Annotated[str, Field(examples=["customer"], json_schema_extra={"enum": [*ACTOR_ROLES]})]
    actor_id: UUID | None


class History(Schema):
    items: list[Change]
