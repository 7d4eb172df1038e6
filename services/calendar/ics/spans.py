"""How long an event and each of its recurrences last, as instants."""

from datetime import datetime, time, timedelta

from services.calendar.ics.events import Event
from services.calendar.ics.values import DAY, MAX_DAYS, Length, Moment, Period
from services.calendar.ics.zones import COPENHAGEN, Zones
from services.calendar.intervals import Interval

MIDNIGHT = time()
ZERO, LONGEST = timedelta(), timedelta(days=MAX_DAYS)


class Spans:
    """`wall` is always a time on the clock of the event's start; of whole days it is midnight."""

    def __init__(self, event: Event, zones: Zones) -> None:
        self._event, self._zones = event, zones
        zone = COPENHAGEN if event.start.whole_day else zones.find(event.start.zone)
        self.zone_is_unknown = zone is None
        self._zone = zone or COPENHAGEN
        self.start = event.start.wall
        self.first_instant = self._zone.to_utc(self.start)
        self.end_is_unclear = event.end_is_unclear
        self.has_no_length = False  # although an end is stated
        self._exact = self._on_clock = ZERO
        if isinstance(event.end, Moment):
            self._measure(event.end)
        elif event.end and not event.start.whole_day:
            self.has_no_length = not event.end.rough

    def _measure(self, end: Moment) -> None:
        zone = COPENHAGEN if end.whole_day else self._zones.find(end.zone)
        self.zone_is_unknown |= zone is None
        instant = (zone or COPENHAGEN).to_utc(end.wall)
        self._exact = instant - self.first_instant
        self._on_clock = self._zone.to_wall(instant) - self.start
        if self._zone.to_wall(self.first_instant) != self.start:  # it begins in an hour that a change skips
            self._exact = self._on_clock
        self.has_no_length = not self._exact and not self._event.start.whole_day
        self.end_is_unclear |= self._exact < ZERO

    @property
    def longest(self) -> timedelta:
        if isinstance(self._event.end, Length):
            return self._event.end.rough + DAY
        return max(self._exact, self._on_clock, DAY) + DAY

    @property
    def length(self) -> Length | None:
        """Of each recurrence; None if it has none."""
        if isinstance(self._event.end, Length):
            return self._event.end
        return Length(0, self._exact) if self._exact > ZERO else None

    def knows(self, moment: Moment) -> bool:
        """Whether the moment is on the event's clock, or in a zone that is known."""
        on_clock = moment.whole_day or moment.zone in (None, self._event.start.zone)
        return on_clock or self._zones.find(moment.zone) is not None

    def wall_of(self, moment: Moment) -> datetime:
        """A moment on the event's clock. A time without a zone is on it already."""
        wall = moment.wall
        if not moment.whole_day and moment.zone not in (None, self._event.start.zone):
            zone = self._zones.find(moment.zone)
            wall = self._zone.to_wall(zone.to_utc(wall)) if zone else wall
        return datetime.combine(wall, MIDNIGHT) if self._event.start.whole_day else wall

    def at(self, wall: datetime) -> Interval | None:
        """None for an event without length."""
        start = self._zone.to_utc(wall)
        end = self._end(wall, start)
        if self.end_is_unclear:
            start, end = _around_midnight(start, self._exact)
        return (start, end) if start < end else None

    def _end(self, wall: datetime, start: datetime) -> datetime:
        """With DTEND a recurrence has the length of the first, exactly or on the clock, whichever is later."""
        end = self._event.end
        if isinstance(end, Length) and end.rough:
            return (self._zone.to_utc(wall + timedelta(days=end.days)) if end.days else start) + end.exact
        exact, on_clock = self._exact, self._on_clock
        if wall != self.start:  # could lie beyond the last year
            exact, on_clock = min(exact, LONGEST), min(on_clock, LONGEST)
        if self._event.start.whole_day:
            return self._zone.to_utc(wall + max(on_clock, DAY))
        if wall == self.start:
            return start + exact
        return max(start + exact, self._zone.to_utc(wall + on_clock))


def period_span(period: Period, zones: Zones) -> Interval | None:
    """None if the end is not readable, or not after the start."""
    zone, end = zones.find(period.start.zone) or COPENHAGEN, period.end
    start = zone.to_utc(period.start.wall)
    if isinstance(end, Length):
        span = (
            start,
            zone.to_utc(period.start.wall + timedelta(days=end.days)) + end.exact if end.days else (start + end.exact),
        )
    elif end:
        span = start, (zones.find(end.zone) or COPENHAGEN).to_utc(end.wall)
    else:
        return None
    return span if span[0] < span[1] else None


def to_midnight(period: Period, zones: Zones) -> Interval:
    zone, end = zones.find(period.start.zone) or COPENHAGEN, period.end
    start = zone.to_utc(period.start.wall)
    before = (zones.find(end.zone) or COPENHAGEN).to_utc(end.wall) - start if isinstance(end, Moment) else ZERO
    return _around_midnight(start, before)


def _around_midnight(start: datetime, before: timedelta) -> Interval:
    """To the end of the day in Copenhagen. A negative `before` is where the event is said to end: on the same day it is
    busy from there."""
    midnight = datetime.combine(COPENHAGEN.to_wall(start), MIDNIGHT)
    begin = max(start + min(before, ZERO), COPENHAGEN.to_utc(midnight))
    return begin, COPENHAGEN.to_utc(midnight + DAY)
