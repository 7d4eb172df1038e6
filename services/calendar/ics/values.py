"""Reads moments, durations and periods as calendars write them, and as some write them although they must not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.calendar.ics.components import Property

MOMENT = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)
DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,12})W)?(?:(\d{1,12})D)?(?:T(?:(\d{1,12})H)?(?:(\d{1,12})M)?(?:(\d{1,12})S)?)?", re.IGNORECASE
)
MAX_DAYS = 40_000  # a longer duration is read as this
FIRST, LAST = datetime(2, 1, 1), datetime(9000, 1, 1)  # noqa: DTZ001 - on no zone's clock; others could overflow
FOREVER = datetime(9500, 1, 1)  # noqa: DTZ001 - for rules without an end
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time on the clock of `zone`: a TZID, UTC, or None for a time without a zone. Or a whole day."""

    wall: datetime
    zone: str | None = None
    whole_day: bool = False


@dataclass(frozen=True, slots=True)
class Length:
    """Days on the calendar, of 23 to 25 hours, and then an exact time (RFC 5545, 3.3.6)."""

    days: int
    exact: timedelta

    @property
    def rough(self) -> timedelta:
        return timedelta(days=self.days) + self.exact


@dataclass(frozen=True, slots=True)
class Period:
    start: Moment
    end: Moment | Length | None  # None: not readable


def read_moment(property_: Property) -> Moment | None:
    """None if the value is no moment."""
    moment = parse_moment(property_.value, property_)
    if moment is None and ":" in property_.value:  # a TZID with a colon that is not quoted
        head, _, value = property_.value.rpartition(":")
        zone = f"{property_.parameters.get('TZID', '')}:{head}"
        moment = parse_moment(value, Property(value, property_.parameters | {"TZID": zone}))
    return moment


def parse_moment(value: str, property_: Property) -> Moment | None:
    match = MOMENT.fullmatch(value.strip())
    if not match:
        return None
    year, month, day, hour, minute, second, offset = match.groups()
    try:
        midnight = datetime.combine(date(int(year), int(month), int(day)), time())
        after = timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=min(int(second or 0), 59))
        if after > DAY or int(minute or 0) > 59:
            return None
        wall = min(max(midnight, FIRST), LAST) + after
    except ValueError:
        return None
    if hour is None or property_.parameters.get("VALUE", "").upper() == "DATE":
        return Moment(datetime.combine(wall, time()), None, whole_day=True)
    if offset:
        return Moment(wall - _offset(offset), "UTC")
    return Moment(wall, property_.parameters.get("TZID"))


def _offset(text: str) -> timedelta:
    if text.upper() == "Z":
        return timedelta()
    digits = text[1:].replace(":", "")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -length if text[0] == "-" else length


def parse_duration(text: str) -> Length | None:
    """None if it is no duration, or a negative one."""
    match = DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (min(int(number or 0), MAX_DAYS * 86_400) for number in match.groups()[1:])
    exact = min(timedelta(hours=hours, minutes=minutes, seconds=seconds), timedelta(days=MAX_DAYS))
    length = Length(min(7 * weeks + days, MAX_DAYS), exact)
    return None if match[1] == "-" and length.rough else length


def read_list(property_: Property) -> Iterator[Moment | Period | None]:
    """The moments and periods of a list. None for each that cannot be read."""
    for text in property_.value.split(","):
        if not text.strip():
            continue
        if "/" in text:
            yield _period(text, property_)
        else:
            yield read_moment(Property(text, property_.parameters))


def _period(text: str, property_: Property) -> Period | None:
    first, _, second = text.partition("/")
    plain = Property("", {name: value for name, value in property_.parameters.items() if name != "VALUE"})
    start = parse_moment(first, plain)
    if start is None:
        return None
    return Period(start, parse_duration(second) or parse_moment(second, plain))
