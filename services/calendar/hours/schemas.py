"""HTTP models of working hours and overrides. Times are wall-clock times in Copenhagen, "HH:MM".

An opening that ends at midnight ends at "24:00". If `end` lies before `start`, it ends on the next day; of more than
12 hours that is taken for a mistake.
"""

import datetime as dt
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.times import Day
from services.calendar.hours.expansion import MINUTES_OF_DAY, Hours, minutes_of
from services.calendar.local_time import today
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

MAX_OPENINGS = 100
MAX_WINDOWS = 10
LONGEST_NIGHT = 12 * 60  # minutes
MIDNIGHT = "24:00"  # at the end of the day
Start = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:00"])]
End = Annotated[
    str,
    Field(
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        description="24:00 is midnight at the end of the day. A time before `start` is on the next day, at most 12 "
        "hours later.",
        examples=["17:00"],
    ),
]
OPEN_EXAMPLE = [[{"start": "10:00", "end": "14:00"}]]
Reason = Literal["closed", "event", "maintenance", "private", "training"]


def clock_of(text: str) -> dt.time:
    """In expansion.Hours, the midnight at the end of a day is a midnight like the one at its beginning."""
    return dt.time() if text == MIDNIGHT else dt.time.fromisoformat(text)


def end_of(clock: dt.time) -> str:
    """The end of an opening as responses show it."""
    return f"{clock:%H:%M}" if clock != dt.time() else MIDNIGHT


class ClockWindow(Input):
    """One opening of a day. It can run past midnight, and belongs to the day on which it begins."""

    start: Start
    end: End

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        start, end = minutes_of(*self.clocks())
        if self.start == self.end or (end > MINUTES_OF_DAY and end - start > LONGEST_NIGHT):
            raise invalid(
                "in_order",
                en="end must lie after start, or on the next day at most 12 hours later",
                da="end skal ligge efter start eller højst 12 timer senere, hvis det er næste dag.",
            )
        return self

    def clocks(self) -> tuple[dt.time, dt.time]:
        return clock_of(self.start), clock_of(self.end)


class HoursRow(ClockWindow):
    """One opening on a weekday; Monday is 0. A break is the time between two openings."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    valid_from: Day | None = Field(default=None, examples=[None])
    valid_to: Day | None = Field(default=None, examples=[None])

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.valid_to and self.valid_to < (self.valid_from or today()):
            raise invalid(
                "in_order",
                en="The last day must not lie before the first.",
                da="Den sidste dag må ikke ligge før den første.",
            )
        return self

    def hours(self) -> Hours:
        return Hours(self.weekday, *self.clocks(), self.valid_from or today(), self.valid_to)


class OverrideRequest(Input):
    """Hours that replace the usual ones on one date. No windows close the date; `reason` is a code, never free text."""

    windows: Annotated[list[ClockWindow], Field(max_length=MAX_WINDOWS, examples=OPEN_EXAMPLE)]
    reason: Reason | None = Field(default=None, examples=[None])

    @model_validator(mode="after")
    def in_order(self) -> Self:
        windows = sorted(minutes_of(*window.clocks()) for window in self.windows)
        if any(later_start < earlier_end for (_, earlier_end), (later_start, _) in pairwise(windows)):
            raise invalid("overlap", en="windows must not overlap", da="Tidsrummene må ikke overlappe.")
        if bool(windows) == bool(self.reason):
            raise invalid(
                "reason",
                en="a closed date needs a reason, an open one has none",
                da="En lukket dato skal have en grund; en åben må ikke have nogen.",
            )
        return self

    def pairs(self) -> list[list[str]]:
        return sorted([window.start, end_of(clock_of(window.end))] for window in self.windows)


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
