"""From hours on the wall clock in Copenhagen to open windows as instants in UTC. Pure functions only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Literal

import holidays

from services.calendar.intervals import Window, merge, subtract, within
from services.calendar.local_time import bounds, instant

MOST_WINDOWS = 96  # of a day; whoever reads the event may rely on it
Clocks = Sequence[tuple[time, time]]
Cause = Literal["holiday", "time_off", "override"]


@dataclass(frozen=True)
class Hours:
    """Open on a weekday (Monday is 0) while valid; both ends of the validity are included."""

    weekday: int
    starts: time
    ends: time
    valid_from: date
    valid_until: date | None = None

    def on(self, day: date) -> bool:
        return (
            day.weekday() == self.weekday
            and self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
        )

    def overlaps(self, other: "Hours") -> bool:
        return (
            self.weekday == other.weekday
            and self.starts < other.ends
            and other.starts < self.ends
            and self.valid_from <= (other.valid_until or date.max)
            and other.valid_from <= (self.valid_until or date.max)
        )


@dataclass(frozen=True)
class Rules:
    """Everything that decides when a loctician is open. An override replaces hours and holiday of its date."""

    hours: Sequence[Hours] = ()
    overrides: Mapping[date, Clocks] = field(default_factory=dict)
    off: Sequence[Window] = ()
    busy: Sequence[Window] = ()


@dataclass(frozen=True)
class OpenDay:
    """`closed_for` says why there are no windows; None when there are some, or simply no hours."""

    windows: list[Window]
    closed_for: Cause | None = None


NO_HOURS = OpenDay([])


def expand(rules: Rules, first: date, days: int) -> dict[date, OpenDay]:
    """Each local date with its windows, sorted and merged."""
    taken = merge([*rules.off, *rules.busy])
    wanted = (first + timedelta(days=n) for n in range(days))
    return {day: _day(rules, taken, day) for day in wanted}


def _day(rules: Rules, taken: Sequence[Window], day: date) -> OpenDay:
    opened = _opened(rules, day)
    if not opened.windows:
        return opened
    left = subtract(opened.windows, within(taken, *bounds(day)))
    return OpenDay(_at_most(left), None if left else "time_off")


def _opened(rules: Rules, day: date) -> OpenDay:
    if day in rules.overrides:
        windows = _at(day, rules.overrides[day])
        return OpenDay(windows, None if windows else "override")
    usual = _at(day, [(one.starts, one.ends) for one in rules.hours if one.on(day)])
    return OpenDay([], "holiday") if usual and day in danish_holidays(day.year) else OpenDay(usual)


def _at(day: date, clocks: Clocks) -> list[Window]:
    return merge((instant(day, starts), instant(day, ends, last=True)) for starts, ends in clocks)


def _at_most(windows: list[Window]) -> list[Window]:
    """The longest ones, where time off and imported calendars cut a day into more than anybody can use."""
    longest = sorted(windows, key=lambda one: one[0] - one[1])[:MOST_WINDOWS]
    return sorted(longest)


@lru_cache(maxsize=128)
def danish_holidays(year: int) -> dict[date, str]:
    """Public holidays and their Danish names, by date."""
    found = holidays.country_holidays("DK", years=year, language="da")
    return {day: name for day, name in sorted(found.items()) if day.year == year}
