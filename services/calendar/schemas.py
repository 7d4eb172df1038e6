"""HTTP models. Instants are answered in Europe/Copenhagen; working hours are its wall clock, "HH:MM"."""

import datetime as dt
from itertools import pairwise
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.calendar.expansion import Cause, Hours, today
from shared.http.schemas import Flag, Input, Instant, Schema
from shared.http.validation_messages import refusal

MAX_ROWS = 100
MAX_OFF = dt.timedelta(days=400)
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Reason = Literal["closed", "event", "maintenance", "private", "training"]
Day = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), le=dt.date(2099, 12, 31))]


class HoursRow(Input):
    """One opening on a weekday; Monday is 0. A break is the gap between two of them."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    starts: Clock
    ends: Clock
    valid_from: Day | None = None
    valid_until: Day | None = None

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.ends <= self.starts:
            raise refusal("in_order", en="ends must lie after starts", da="ends skal ligge efter starts.")
        if self.valid_until and self.valid_until < (self.valid_from or today()):
            raise refusal(
                "in_order",
                en="valid_until must not lie before valid_from",
                da="valid_until må ikke ligge før valid_from.",
            )
        return self

    def hours(self) -> Hours:
        starts, ends = dt.time.fromisoformat(self.starts), dt.time.fromisoformat(self.ends)
        return Hours(self.weekday, starts, ends, self.valid_from or today(), self.valid_until)


class ClockWindow(Input):
    starts: Clock
    ends: Clock


class OverrideRequest(Input):
    """Other hours on one date. None at all closes it, for a reason that is never of a personal nature."""

    windows: Annotated[list[ClockWindow], Field(max_length=10)]
    reason: Reason | None = None

    @model_validator(mode="after")
    def in_order(self) -> Self:
        windows = sorted(self.windows, key=lambda one: one.starts)
        if any(one.ends <= one.starts for one in windows):
            raise refusal("in_order", en="ends must lie after starts", da="ends skal ligge efter starts.")
        if any(later.starts < earlier.ends for earlier, later in pairwise(windows)):
            raise refusal("overlap", en="windows must not overlap", da="Tidsrummene må ikke overlappe.")
        if bool(windows) == bool(self.reason):
            raise refusal(
                "reason",
                en="a closed date needs a reason, an open one has none",
                da="En lukket dato skal have en grund, en åben har ingen.",
            )
        return self

    def pairs(self) -> list[list[str]]:
        return sorted([one.starts, one.ends] for one in self.windows)


class HoursRequest(Input):
    hours: Annotated[list[HoursRow], Field(max_length=MAX_ROWS)]


class WorkingHours(Schema):
    hours: list[HoursRow]


class TimeOffRequest(Input):
    start: Instant
    end: Instant
    force: Flag = False

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if not self.start < self.end <= self.start + MAX_OFF:
            raise refusal(
                "in_order",
                en="end must lie after start and at most 400 days later",
                da="end skal ligge efter start og højst 400 dage senere.",
            )
        return self


class Span(Schema):
    start: dt.datetime
    end: dt.datetime


class TimeOff(Span):
    id: UUID


class TimesOff(Schema):
    items: list[TimeOff]


class Override(Schema):
    date: dt.date
    windows: list[ClockWindow]
    reason: Reason | None


class Overrides(Schema):
    items: list[Override]


class ImportRequest(Input):
    """The address of an iCalendar, as calendar programs share it."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]


class Import(Schema):
    """`host` is null for an uploaded file. `problem` is the code of the problem the last fetch met."""

    id: UUID
    host: str | None
    status: Literal["waiting", "current", "failing", "stopped"]
    problem: str | None
    busy_times: int
    covers_until: dt.date | None
    checked_at: dt.datetime | None
    created_at: dt.datetime


class Imports(Schema):
    items: list[Import]


class Feed(Schema):
    id: UUID
    kind: Literal["loctician", "customer"]
    created_at: dt.datetime


class NewFeed(Feed):
    """With the secret address, which is told only here."""

    token: str
    url: str


class Appointment(Span):
    booking_id: UUID
    item_id: UUID
    service_id: UUID
    customer_id: UUID
    status: str


class CalendarDay(Schema):
    date: dt.date
    windows: list[Span]
    closed_for: Cause | None
    time_off: list[TimeOff]
    busy: list[Span]
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
