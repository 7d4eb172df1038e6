"""Expands hours, overrides, holidays and time off into open windows in UTC. Pure functions only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Literal

import holidays

from services.calendar.intervals import Interval, merge, overlapping, subtract
from services.calendar.local_time import day_bounds, to_utc

MAX_WINDOWS = 96  # of a day; consumers of calendar.windows_changed.v1 rely on it
ClockTimes = Sequence[tuple[time, time]]
Cause = Literal["holiday", "time_off", "override"]


@dataclass(frozen=True)
class Hours:
    """An opening on a weekday (Monday is 0), valid from `valid_from` to `valid_until`, both included."""

    weekday: int
    starts: time
    ends: time
    valid_from: date
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
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
    """Everything that decides when a loctician is open. An override replaces the hours and the holiday of its date."""

    hours: Sequence[Hours] = ()
    overrides: Mapping[date, ClockTimes] = field(default_factory=dict)
    off: Sequence[Interval] = ()
    busy: Sequence[Interval] = ()


@dataclass(frozen=True)
class OpenDay:
    """The open windows of a date. Without windows, `closed_for` is the reason; None if there are no hours."""

    windows: list[Interval]
    closed_for: Cause | None = None


NO_HOURS = OpenDay([])


def expand(rules: Rules, first: date, days: int) -> dict[date, OpenDay]:
    """The open windows of each local date from `first` on, sorted and merged."""
    taken = merge([*rules.off, *rules.busy])
    dates = (first + timedelta(days=n) for n in range(days))
    return {day: _expand_day(rules, taken, day) for day in dates}


def _expand_day(rules: Rules, taken: Sequence[Interval], day: date) -> OpenDay:
    opening = _opening(rules, day)
    if not opening.windows:
        return opening
    left = subtract(opening.windows, overlapping(taken, *day_bounds(day)))
    return OpenDay(_limit(left), None if left else "time_off")


def _opening(rules: Rules, day: date) -> OpenDay:
    """By the first rule that fits: the override of the date, a public holiday, the weekly hours."""
    if day in rules.overrides:
        windows = _to_windows(day, rules.overrides[day])
        return OpenDay(windows, None if windows else "override")
    usual = _to_windows(day, [(hours.starts, hours.ends) for hours in rules.hours if hours.holds_on(day)])
    return OpenDay([], "holiday") if usual and day in danish_holidays(day.year) else OpenDay(usual)


def _to_windows(day: date, clocks: ClockTimes) -> list[Interval]:
    return merge((to_utc(day, starts), to_utc(day, ends, last=True)) for starts, ends in clocks)


def _limit(windows: list[Interval]) -> list[Interval]:
    """Keeps the longest windows of a day that time off and imported calendars cut into too many pieces."""
    longest = sorted(windows, key=lambda window: window[0] - window[1])[:MAX_WINDOWS]
    return sorted(longest)


@lru_cache(maxsize=128)
def danish_holidays(year: int) -> dict[date, str]:
    """Public holidays and their Danish names, by date."""
    names = holidays.country_holidays("DK", years=year, language="da")
    return {day: name for day, name in sorted(names.items()) if day.year == year}
