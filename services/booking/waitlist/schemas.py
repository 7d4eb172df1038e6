from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from services.booking.money import MoneyWithVat
from services.booking.slots.schemas import Part, TreatmentIds
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

LONGEST_WAIT_DAYS = 366
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31))]


def _of_the_salon(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise invalid(
            "clock_time",
            en="must be hours and minutes of the clock in Copenhagen",
            da="Skal være timer og minutter efter uret i København.",
        )
    return value


# Without an offset, which the format "time" would ask for (RFC 3339).
WALL_CLOCK = {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$"}
ClockTime = Annotated[time, AfterValidator(_of_the_salon), WithJsonSchema(WALL_CLOCK, mode="validation")]


class WaitRequest(Input):
    """Any start from `earliest` on whose end is not after `latest`, on a day from `first_day` to `last_day`."""

    service_ids: TreatmentIds
    loctician_id: UUID | None = None
    customer_id: UUID | None = None
    first_day: Day
    last_day: Day
    earliest: ClockTime | None = None
    latest: ClockTime | None = None

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
    hold_id: UUID
    start: datetime
    end: datetime
    loctician_id: UUID
    price: MoneyWithVat
    expires_at: datetime
    items: list[Part] | None = None


class Waiting(Schema):
    id: UUID
    customer_id: UUID
    service_ids: list[UUID]
    loctician_id: UUID | None
    first_day: date
    last_day: date
    earliest: str | None
    latest: str | None
    status: Literal["waiting", "offered", "accepted"]
    offer: Offer | None
    version: int
    created_at: datetime
