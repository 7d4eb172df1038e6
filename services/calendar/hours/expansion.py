"""Expands hours, overrides, holidays and time off into open windows in UTC. Pure functions only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Literal

import holidays

from domain.clock import to_utc
from services.calendar.intervals import Interval, merge, overlapping, subtract

MAX_WINDOWS = 96  # of a day; consumers of calendar.windows_changed.v1 rely on it
ClockTimes = Sequence[tuple[time, time]]
MINUTES_OF_DAY = 24 * 60
Cause = Literal["holiday", "time_off", "override"]


@dataclass(frozen=True)
class Hours:
    """An opening that begins on a weekday (Monday is 0), valid from `valid_from` to `valid_to`, both included.

    It ends on the next day if `ends` is not after `starts`; midnight at the end of the day is such an `ends`.
    """

    weekday: int
    starts: time
    ends: time
    valid_from: date
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        return (
            day.weekday() == self.weekday and self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
        )

    def overlaps(self, other: "Hours") -> bool:
        """Whether there is a date on which both are open at the same time, or one runs into the other's next day."""
        return self._meets(other, 0) or self._meets(other, 1) or other._meets(self, 1)

    def _meets(self, other: "Hours", days: int) -> bool:
        """Whether this opening overlaps the other one that begins so many days later."""
        start, end = minutes_of(self.starts, self.ends)
        other_start, other_end = (minute + days * MINUTES_OF_DAY for minute in minutes_of(other.starts, other.ends))
        return (
            (self.weekday + days) % 7 == other.weekday
            and start < other_end
            and other_start < end
            and self.valid_from <= _earlier(other.valid_to or date.max, days)
            and _earlier(other.valid_from, days) <= (self.valid_to or date.max)
        )


def minutes_of(starts: time, ends: time) -> tuple[int, int]:
    """An opening in minutes since midnight; its end is more than 1440 if it is past midnight."""
    start, end = (clock.hour * 60 + clock.minute for clock in (starts, ends))
    return start, end if start < end else end + MINUTES_OF_DAY


def _earlier(day: date, days: int) -> date:
    return max(day, date.min + timedelta(days=days)) - timedelta(days=days)


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
    """The open windows of each local date from `first` on, sorted and merged.

    A window belongs to the date on which its opening begins, also where it runs past midnight. If the opening of the
    next date begins before that end, the later date's windows begin there.
    """
    taken = merge([*rules.off, *rules.busy])
    dates = [first + timedelta(days=n) for n in range(-1, days)]
    openings = [_opening(rules, day) for day in dates]
    following = zip(dates[1:], openings[:-1], openings[1:], strict=True)
    return {day: _expand_day(opening, earlier, taken) for day, earlier, opening in following}


def _expand_day(opening: OpenDay, earlier: OpenDay, taken: Sequence[Interval]) -> OpenDay:
    """`earlier`: the day before."""
    windows = subtract(opening.windows, earlier.windows)
    if not windows:
        return OpenDay([], opening.closed_for)
    left = subtract(windows, overlapping(taken, windows[0][0], windows[-1][1]))
    return OpenDay(_limit(left), None if left else "time_off")


def _opening(rules: Rules, day: date) -> OpenDay:
    """By the first rule that fits: the override of the date, a public holiday, the weekly hours."""
    if day in rules.overrides:
        windows = _to_windows(day, rules.overrides[day])
        return OpenDay(windows, None if windows else "override")
    usual = _to_windows(day, [(hours.starts, hours.ends) for hours in rules.hours if hours.holds_on(day)])
    return OpenDay([], "holiday") if usual and day in danish_holidays(day.year) else OpenDay(usual)


def _to_windows(day: date, clocks: ClockTimes) -> list[Interval]:
    return merge(
        (to_utc(day, starts), to_utc(day + timedelta(days=ends <= starts), ends, last=True)) for starts, ends in clocks
    )


def _limit(windows: list[Interval]) -> list[Interval]:
    """Keeps the longest windows of a day that time off and imported calendars cut into too many pieces."""
    longest = sorted(windows, key=lambda window: window[0] - window[1])[:MAX_WINDOWS]
    return sorted(longest)


@lru_cache(maxsize=128)
def danish_holidays(year: int) -> dict[date, str]:
    """Public holidays and their Danish names, by date."""
    names = holidays.country_holidays("DK", years=year, language="da")
    return {day: name for day, name in sorted(names.items()) if day.year == year}
