"""HTTP models of the waitlist."""

from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from services.booking.catalog.prices import MoneyWithVat
from services.booking.catalog.schemas import TreatmentId
from services.booking.customers.schemas import CustomerId
from services.booking.holds.schemas import HoldId
from services.booking.profiles.schemas import LocticianId
from services.booking.slots.schemas import End, Part, TreatmentIds
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

LONGEST_WAIT_DAYS = 366
EXAMPLE_LAST_DAY = "2026-09-21"
# Local time without an offset, which the JSON Schema format "time" would require (RFC 3339).
LOCAL_TIME = {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$"}


def _local_time(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise invalid(
            "clock_time",
            en="must be hours and minutes in Copenhagen's local time",
            da="Skal være timer og minutter i dansk tid.",
        )
    return value


Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31))]
LastDay = Annotated[Day, Field(examples=[EXAMPLE_LAST_DAY])]
Earliest = Annotated[
    time, AfterValidator(_local_time), WithJsonSchema(LOCAL_TIME | {"examples": ["15:00"]}, mode="validation")
]
Latest = Annotated[
    time, AfterValidator(_local_time), WithJsonSchema(LOCAL_TIME | {"examples": ["20:00"]}, mode="validation")
]


class WaitRequest(Input):
    """Any time on the days from `first_day` to `last_day` that starts at `earliest` or later and ends by `latest`."""

    service_ids: TreatmentIds
    loctician_id: LocticianId | None = None
    customer_id: CustomerId | None = None
    first_day: Day
    last_day: LastDay
    earliest: Earliest | None = None
    latest: Latest | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= (self.last_day - self.first_day).days <= LONGEST_WAIT_DAYS:
            raise invalid(
                "days_in_order",
                en=f"last_day must be first_day or up to {LONGEST_WAIT_DAYS} days later",
                da=f"last_day skal være first_day eller op til {LONGEST_WAIT_DAYS} dage senere.",
            )
        if self.earliest and self.latest and self.earliest >= self.latest:
            raise invalid("times_in_order", en="latest must be after earliest", da="latest skal ligge efter earliest.")
        return self


class Offer(Schema):
    hold_id: HoldId
    start: datetime
    end: End
    loctician_id: LocticianId
    price: MoneyWithVat
    expires_at: datetime
    items: list[Part] | None = None


class Waiting(Schema):
    id: UUID
    customer_id: CustomerId
    service_ids: list[TreatmentId]
    loctician_id: LocticianId | None
    first_day: date
    last_day: Annotated[date, Field(examples=[EXAMPLE_LAST_DAY])]
    earliest: Annotated[str | None, Field(examples=["15:00"])]
    latest: Annotated[str | None, Field(examples=["20:00"])]
    status: Literal["waiting", "offered", "accepted"]
    offer: Offer | None
    version: int
    created_at: datetime
