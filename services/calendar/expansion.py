"""From weekly hours on the wall clock in Copenhagen to open windows as instants in UTC. Pure functions only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import holidays

from shared.schemas import COPENHAGEN

Window = tuple[datetime, datetime]
MINUTE = timedelta(minutes=1)


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


def expand(hours: Iterable[Hours], off: Sequence[Window], first: date, days: int) -> dict[date, list[Window]]:
    """Windows of each local date, sorted and merged; a date that is closed has an empty list."""
    rows = list(hours)
    wanted = (first + timedelta(days=n) for n in range(days))
    return {day: subtract(_opened(rows, day), off) for day in wanted}


def _opened(rows: Sequence[Hours], day: date) -> list[Window]:
    if day in danish_holidays(day.year):
        return []
    return merge((instant(day, one.starts), instant(day, one.ends, last=True)) for one in rows if one.on(day))


def instant(day: date, clock: time, *, last: bool = False) -> datetime:
    """The UTC instant of a wall time: a skipped one is the first instant after the gap; `last` of a repeated one."""
    wall = datetime.combine(day, clock).replace(fold=int(last))
    while not _exists(wall):
        wall += MINUTE
    return wall.replace(tzinfo=COPENHAGEN, fold=int(last)).astimezone(UTC)


def _exists(wall: datetime) -> bool:
    back = wall.replace(tzinfo=COPENHAGEN).astimezone(UTC).astimezone(COPENHAGEN)
    return back.replace(tzinfo=None, fold=0) == wall.replace(fold=0)


def bounds(day: date) -> Window:
    """From midnight to midnight in Copenhagen: 23, 24 or 25 hours."""
    return instant(day, time()), instant(day + timedelta(days=1), time())


def merge(parts: Iterable[Window]) -> list[Window]:
    merged: list[Window] = []
    for start, end in sorted(part for part in parts if part[0] < part[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(parts: Sequence[Window], taken: Sequence[Window]) -> list[Window]:
    left = list(parts)
    for start, end in taken:
        pieces = [piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b))]
        left = [piece for piece in pieces if piece[0] < piece[1]]
    return merge(left)


@lru_cache(maxsize=128)
def danish_holidays(year: int) -> dict[date, str]:
    """Public holidays and their Danish names, by date."""
    found = holidays.country_holidays("DK", years=year, language="da")
    return {day: name for day, name in sorted(found.items()) if day.year == year}
