"""HTTP models of requests."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Header
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from domain import examples
from domain.email_addresses import normalize_email
from domain.people import PlainName
from domain.times import Instant
from services.booking.bookings.schemas import EXAMPLE_BOOKING, BookingId, Notes, Phone
from services.booking.catalog.schemas import EXAMPLE_TREATMENT_ID
from services.booking.holds.schemas import HoldId
from services.booking.profiles.schemas import LocticianId
from services.booking.requests.events import AboutTime, Kind
from services.booking.slots.schemas import TreatmentIds
from services.booking.waitlist.schemas import Wish
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

EMAIL, FULL_NAME, SECRET = "freja@example.dk", "Freja Holm", "kZ3n0yX4m1Qe8s2vB7uTfJ6wRd5cLh9aPgKoIiNxE0M"
PERSON = {"full_name": FULL_NAME, "email": EMAIL, "phone": "+4520123456", "language": "da"}

RequestId = Annotated[UUID, Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b0a"])]
Secret = Annotated[str, Header(alias="X-Request-Secret", max_length=100, examples=[SECRET])]


class Person(Input):
    """Who asks. Nothing of this is stored with the request."""

    full_name: Annotated[str, Field(min_length=1, max_length=120, examples=[FULL_NAME]), PlainName]
    email: Annotated[str, Field(max_length=254, examples=[EMAIL]), AfterValidator(normalize_email)]
    phone: Phone | None = None
    language: Literal["da", "en"] | None = None


class TimeRequest(Person):
    """Either `hold_id`, of a hold of this browser, or `service_ids` and `start`."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_BOOKING | PERSON]})

    hold_id: HoldId | None = None
    service_ids: TreatmentIds | None = None
    loctician_id: LocticianId | None = None
    start: Instant | None = None
    notes: Notes | None = None

    @model_validator(mode="after")
    def _names_a_time(self) -> Self:
        named = [self.service_ids is not None, self.start is not None, self.loctician_id is not None]
        if any(named) if self.hold_id else not all(named[:2]):
            raise invalid(
                "names_a_time",
                en="Choose a treatment and a time, or use the one that is held; it cannot be both.",
                da="Vælg en behandling og en tid, eller brug den, der er reserveret, men ikke begge dele.",
            )
        return self


class WishRequest(Wish, Person):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "service_ids": [EXAMPLE_TREATMENT_ID],
                    "from": examples.FIRST_DAY,
                    "to": examples.LAST_DAY,
                    **PERSON,
                }
            ]
        }
    )


class Requested(Schema):
    id: RequestId
    secret: Annotated[str, Field(examples=[SECRET], description="For X-Request-Secret; whoever has it reads the state")]
    status: Literal["waiting"] = "waiting"
    expires_at: datetime


class RequestState(Schema):
    """`reason`: the code of the error that refused it; `not_possible` if it lies with the customer, who is mailed."""

    id: RequestId
    kind: Kind
    status: Literal["waiting", "booked", "joined", "refused", "lapsed"]
    booking_id: BookingId | None
    waitlist_id: UUID | None
    reason: AboutTime | Literal["not_possible"] | None
    expires_at: datetime
