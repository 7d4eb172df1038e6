"""HTTP models of the waitlist."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from domain import examples
from domain.times import Day, LocalTime
from services.booking.catalog.prices import MoneyWithVat
from services.booking.catalog.schemas import TreatmentId
from services.booking.customers.schemas import CustomerId
from services.booking.holds.schemas import HeldTreatment, HoldId
from services.booking.profiles.schemas import LocticianId
from services.booking.slots.schemas import End, TreatmentIds
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

LONGEST_WAIT_DAYS = 366
EXAMPLE_LAST_DAY = examples.LAST_DAY
LastDay = Annotated[Day, Field(examples=[EXAMPLE_LAST_DAY])]
Earliest = Annotated[LocalTime, Field(examples=["15:00"])]
Latest = Annotated[LocalTime, Field(examples=["20:00"])]


class Wish(Input):
    """Any time on the days `from` to `to`, both included, that starts at `earliest` or later and ends by `latest`."""

    service_ids: TreatmentIds
    loctician_id: LocticianId | None = None
    first_day: Annotated[Day, Field(alias="from")]
    last_day: Annotated[LastDay, Field(alias="to")]
    earliest: Earliest | None = None
    latest: Latest | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= (self.last_day - self.first_day).days <= LONGEST_WAIT_DAYS:
            raise invalid(
                "days_in_order",
                en=f"to must be from or up to {LONGEST_WAIT_DAYS} days later",
                da=f"to skal være from eller op til {LONGEST_WAIT_DAYS} dage senere.",
            )
        if self.earliest and self.latest and self.earliest >= self.latest:
            raise invalid("times_in_order", en="latest must be after earliest", da="latest skal ligge efter earliest.")
        return self


class WaitRequest(Wish):
    customer_id: CustomerId | None = None


class Offer(Schema):
    hold_id: HoldId
    start: datetime
    end: End
    loctician_id: LocticianId
    price: MoneyWithVat
    expires_at: datetime
    items: list[HeldTreatment]


class Waiting(Schema):
    id: UUID
    customer_id: CustomerId
    service_ids: list[TreatmentId]
    loctician_id: LocticianId | None
    first_day: Annotated[date, Field(alias="from", examples=[examples.FIRST_DAY])]
    last_day: Annotated[date, Field(alias="to", examples=[EXAMPLE_LAST_DAY])]
    earliest: Annotated[str | None, Field(examples=["15:00"])]
    latest: Annotated[str | None, Field(examples=["20:00"])]
    status: Literal["waiting", "offered", "accepted"]
    offer: Offer | None
    booking_id: Annotated[UUID | None, Field(description="Of an accepted offer")] = None
    version: int
    created_at: datetime
