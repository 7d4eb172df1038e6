from datetime import UTC, date, datetime, time, timedelta

from domain.clock import COPENHAGEN
from services.calendar.intervals import Window

MINUTE = timedelta(minutes=1)


def today() -> date:
    return datetime.now(COPENHAGEN).date()


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
