"""HTTP models. Instants are answered in Europe/Copenhagen; working hours are its wall clock, "HH:MM"."""

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.calendar.expansion import Hours
from services.calendar.hours import today
from shared.schemas import Input, Instant, Schema

MAX_ROWS = 100
MAX_OFF = dt.timedelta(days=400)
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Day = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), le=dt.date(2099, 12, 31))]


class HoursRow(Input):
    """One opening on a weekday; Monday is 0."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    starts: Clock
    ends: Clock
    valid_from: Day | None = None
    valid_until: Day | None = None

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("ends must lie after starts")
        if self.valid_until and self.valid_until < (self.valid_from or today()):
            raise ValueError("valid_until must not lie before valid_from")
        return self

    def hours(self) -> Hours:
        starts, ends = dt.time.fromisoformat(self.starts), dt.time.fromisoformat(self.ends)
        return Hours(self.weekday, starts, ends, self.valid_from or today(), self.valid_until)


class HoursRequest(Input):
    hours: Annotated[list[HoursRow], Field(max_length=MAX_ROWS)]


class WorkingHours(Schema):
    hours: list[HoursRow]


class TimeOffRequest(Input):
    start: Instant
    end: Instant
    force: bool = False

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if not self.start < self.end <= self.start + MAX_OFF:
            raise ValueError("end must lie after start and at most 400 days later")
        return self


class Span(Schema):
    start: dt.datetime
    end: dt.datetime


class TimeOff(Span):
    id: UUID


class TimesOff(Schema):
    items: list[TimeOff]


class Appointment(Span):
    booking_id: UUID
    item_id: UUID
    service_id: UUID
    customer_id: UUID
    status: str


class CalendarDay(Schema):
    date: dt.date
    windows: list[Span]
    time_off: list[TimeOff]
    appointments: list[Appointment]
    free: list[Span]


class Calendar(Schema):
    loctician_id: UUID
    days: list[CalendarDay]


class Holiday(Schema):
    date: dt.date
    name: str


class Holidays(Schema):
    items: list[Holiday]
