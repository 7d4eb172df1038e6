"""Dates and wall-clock times in Copenhagen as instants in UTC."""

from datetime import UTC, date, datetime, time, timedelta

from domain.clock import COPENHAGEN
from services.calendar.intervals import Interval

MINUTE = timedelta(minutes=1)


def today() -> date:
    return datetime.now(COPENHAGEN).date()


def to_utc(day: date, clock: time, *, last: bool = False) -> datetime:
    """The instant of a wall-clock time.

    For a time that the change in spring skips, the first instant after the gap; of a time that comes twice in autumn
    the first instant, or the second with `last`.
    """
    wall = datetime.combine(day, clock).replace(fold=int(last))
    while not _exists(wall):
        wall += MINUTE
    return wall.replace(tzinfo=COPENHAGEN, fold=int(last)).astimezone(UTC)


def _exists(wall: datetime) -> bool:
    back = wall.replace(tzinfo=COPENHAGEN).astimezone(UTC).astimezone(COPENHAGEN)
    return back.replace(tzinfo=None, fold=0) == wall.replace(fold=0)


def day_bounds(day: date) -> Interval:
    """From midnight to midnight in Copenhagen: 23, 24 or 25 hours."""
    return to_utc(day, time()), to_utc(day + timedelta(days=1), time())
