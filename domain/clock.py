"""The salon's time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
MINUTE = timedelta(minutes=1)


def to_copenhagen(instant: datetime) -> datetime:
    """The instant with Copenhagen's offset, as responses show it."""
    return instant.astimezone(COPENHAGEN)


def is_ambiguous(instant: datetime) -> bool:
    """Whether the clock in Copenhagen shows this time twice, because the hour is repeated in autumn."""
    local = to_copenhagen(instant)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def to_utc(day: date, clock: time, *, last: bool = False) -> datetime:
    """The instant of a wall-clock time in Copenhagen.

    For a time that the change in spring skips, the first instant after the gap; of a time that comes twice in autumn
    the first instant, or the second with `last`.
    """
    wall = datetime.combine(day, clock).replace(fold=int(last))
    while not _exists(wall):
        wall = wall.replace(second=0, microsecond=0) + MINUTE
    return wall.replace(tzinfo=COPENHAGEN, fold=int(last)).astimezone(UTC)


def _exists(wall: datetime) -> bool:
    back = wall.replace(tzinfo=COPENHAGEN).astimezone(UTC).astimezone(COPENHAGEN)
    return back.replace(tzinfo=None, fold=0) == wall.replace(fold=0)
