"""The salon's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def copenhagen(instant: datetime) -> datetime:
    """The instant as answers give it: with Copenhagen's offset."""
    return instant.astimezone(COPENHAGEN)


def comes_twice(instant: datetime) -> bool:
    """Whether the clock in Copenhagen shows this time twice: in the hour that is repeated in autumn."""
    local = copenhagen(instant)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
