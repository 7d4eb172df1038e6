"""HTTP models of working hours and overrides. Times are wall-clock times in Copenhagen, "HH:MM"."""

import datetime as dt
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.times import Day
from services.calendar.hours.expansion import Hours
from services.calendar.local_time import today
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

MAX_OPENINGS = 100
MAX_WINDOWS = 10
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Starts = Annotated[Clock, Field(examples=["09:00"])]
Ends = Annotated[Clock, Field(examples=["17:00"])]
OPEN_EXAMPLE = [[{"starts": "10:00", "ends": "14:00"}]]
Reason = Literal["closed", "event", "maintenance", "private", "training"]


class HoursRow(Input):
    """One opening on a weekday; Monday is 0. A break is the time between two openings."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    starts: Starts
    ends: Ends
    valid_from: Day | None = Field(default=None, examples=[None])
    valid_until: Day | None = Field(default=None, examples=[None])

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.ends <= self.starts:
            raise invalid("in_order", en="ends must lie after starts", da="ends skal ligge efter starts.")
        if self.valid_until and self.valid_until < (self.valid_from or today()):
            raise invalid(
                "in_order",
                en="valid_until must not lie before valid_from",
                da="valid_until må ikke ligge før valid_from.",
            )
        return self

    def hours(self) -> Hours:
        starts, ends = dt.time.fromisoformat(self.starts), dt.time.fromisoformat(self.ends)
        return Hours(self.weekday, starts, ends, self.valid_from or today(), self.valid_until)


class ClockWindow(Input):
    starts: Starts
    ends: Ends


class OverrideRequest(Input):
    """Hours that replace the usual ones on one date. No windows close the date; `reason` is a code, never free text."""

    windows: Annotated[list[ClockWindow], Field(max_length=MAX_WINDOWS, examples=OPEN_EXAMPLE)]
    reason: Reason | None = Field(default=None, examples=[None])

    @model_validator(mode="after")
    def in_order(self) -> Self:
        windows = sorted(self.windows, key=lambda window: window.starts)
        if any(window.ends <= window.starts for window in windows):
            raise invalid("in_order", en="ends must lie after starts", da="ends skal ligge efter starts.")
        if any(later.starts < earlier.ends for earlier, later in pairwise(windows)):
            raise invalid("overlap", en="windows must not overlap", da="Tidsrummene må ikke overlappe.")
        if bool(windows) == bool(self.reason):
            raise invalid(
                "reason",
                en="a closed date needs a reason, an open one has none",
                da="En lukket dato skal have en grund; en åben må ikke have nogen.",
            )
        return self

    def pairs(self) -> list[list[str]]:
        return sorted([window.starts, window.ends] for window in self.windows)


class HoursRequest(Input):
    hours: Annotated[list[HoursRow], Field(max_length=MAX_OPENINGS)]


class WorkingHours(Schema):
    hours: list[HoursRow]


class Override(Schema):
    date: dt.date
    windows: list[ClockWindow] = Field(examples=OPEN_EXAMPLE)
    reason: Reason | None = Field(examples=[None])


class Overrides(Schema):
    items: list[Override]
