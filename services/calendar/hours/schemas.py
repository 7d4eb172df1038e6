"""HTTP models. Instants are answered in Europe/Copenhagen; working hours are its wall clock, "HH:MM"."""

import datetime as dt
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.calendar.dependencies import Day
from services.calendar.hours.expansion import Hours
from services.calendar.local_time import today
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

MAX_ROWS = 100
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Reason = Literal["closed", "event", "maintenance", "private", "training"]


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
            raise invalid("in_order", en="ends must lie after starts", da="ends skal ligge efter starts.")
        if any(later.starts < earlier.ends for earlier, later in pairwise(windows)):
            raise invalid("overlap", en="windows must not overlap", da="Tidsrummene må ikke overlappe.")
        if bool(windows) == bool(self.reason):
            raise invalid(
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


class Override(Schema):
    date: dt.date
    windows: list[ClockWindow]
    reason: Reason | None


class Overrides(Schema):
    items: list[Override]
