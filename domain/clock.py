"""The salon's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def to_copenhagen(instant: datetime) -> datetime:
    """The instant with Copenhagen's offset, as responses show it."""
    return instant.astimezone(COPENHAGEN)


def is_ambiguous(instant: datetime) -> bool:
    """Whether the clock in Copenhagen shows this time twice, because the hour is repeated in autumn."""
    local = to_copenhagen(instant)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
