"""From the events of a calendar to the times at which somebody is busy."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from services.calendar.ics import problems
from services.calendar.ics.components import Component, Property
from services.calendar.ics.events import Event
from services.calendar.ics.expansion import TooManyError, occurrences
from services.calendar.ics.overrides import Overrides, newest
from services.calendar.ics.problems import Refused
from services.calendar.ics.rules import Rule
from services.calendar.ics.spans import MIDNIGHT, Spans, period_span, to_midnight
from services.calendar.ics.values import DAY, FOREVER, Length, Moment, Period, read_list, read_moment
from services.calendar.ics.zones import COPENHAGEN, UTC_ZONE, Zones
from services.calendar.intervals import Interval

MAX_RECURRENCES = 20_000
MAX_MARGIN = timedelta(days=800)  # a recurrence that began longer before the period is not looked for
WHOLE_DAY = Length(1, timedelta())


class Busy(NamedTuple):
    start: datetime
    end: datetime
    id: UUID | None = None


class Series:
    """`counts` gets what was not understood and matters between `start` and `end`."""

    def __init__(self, zones: Zones, start: datetime, end: datetime, counts: Counter[str]) -> None:
        self._zones, self._start, self._end, self._counts = zones, start, end, counts
        self._left = MAX_RECURRENCES

    def busy(self, events: Iterable[Event]) -> Iterator[Busy]:
        """Raises Refused if there are too many recurrences."""
        by_uid: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            if event.uid:
                by_uid[event.uid].append(event)
            else:  # belongs to no other
                yield from self._times(event, [])
        for same in by_uid.values():
            overrides = self._newest_overrides(event for event in same if event.recurs_at)
            masters = newest([event for event in same if not event.recurs_at])
            overrides = [self._with_length(override, masters) for override in overrides]
            for master in masters:
                yield from self._times(master, overrides)
            for override in overrides:
                yield from self._times(override, [])

    def busy_periods(self, component: Component) -> Iterator[Busy]:
        """Those of a VFREEBUSY."""
        for property_ in component.all("FREEBUSY"):
            if property_.parameters.get("FBTYPE", "").upper() == "FREE":
                continue
            for period in read_list(property_):
                if not isinstance(period, Period):
                    self._counts[problems.UNCLEAR_PERIOD] += 1
                elif self._matters(span := self._period(period, problems.UNCLEAR_PERIOD)):
                    self._counts[problems.UNKNOWN_TIME_ZONE] += self._zones.find(period.start.zone) is None
                    yield Busy(*span)

    def _newest_overrides(self, events: Iterable[Event]) -> list[Event]:
        same: dict[tuple[datetime, bool], list[Event]] = defaultdict(list)
        for event in events:
            if event.recurs_at:
                zone = self._zones.find(event.recurs_at.zone) or COPENHAGEN
                same[zone.to_utc(event.recurs_at.wall), event.and_future].append(event)
        return [event for group in same.values() for event in _newest_override(group)]

    def _with_length(self, override: Event, masters: list[Event]) -> Event:
        """One that states no end is as long as the series."""
        if override.end or override.end_is_unclear or override.start.whole_day or not masters:
            return override
        return replace(override, end=Spans(masters[0], self._zones).length)

    def _times(self, event: Event, replacing: list[Event]) -> Iterator[Busy]:
        """The times of an event and its recurrences that block, without those that are replaced."""
        if not (event.blocks or any(override.and_future and override.blocks for override in replacing)):
            return
        spans = Spans(event, self._zones)
        overrides = Overrides(replacing, spans)
        busy = [
            Busy(*span, event.id)
            for wall, period in self._walls(event, spans, overrides)
            if (span := self._span(wall, period, event, spans, overrides)) and self._matters(span)
        ]
        if event.blocks:
            self._count(event, spans, bool(busy))
        yield from busy

    def _matters(self, span: Interval) -> bool:
        return span[0] < self._end and span[1] > self._start

    def _span(
        self, wall: datetime, period: Period | None, event: Event, spans: Spans, overrides: Overrides
    ) -> Interval | None:
        moving = overrides.moving(wall)
        if moving:
            begin, override = moving
            return Spans(override, self._zones).at(override.start.wall + (wall - begin)) if override.blocks else None
        if not event.blocks:
            return None
        return self._period(period, problems.UNCLEAR_RULE) if period else spans.at(wall)

    def _period(self, period: Period, code: str) -> Interval:
        span = period_span(period, self._zones)
        if span:
            return span
        span = to_midnight(period, self._zones)
        self._counts[code] += self._matters(span)
        return span

    def _count(self, event: Event, spans: Spans, is_busy: bool) -> None:
        self._counts.update(event.unknown)
        if is_busy:
            self._counts.update(event.unclear)
            self._counts[problems.UNKNOWN_TIME_ZONE] += spans.zone_is_unknown
            self._counts[problems.UNCLEAR_TIME] += spans.end_is_unclear
        elif spans.has_no_length and self._start <= spans.first_instant < self._end:
            self._counts[problems.NO_LENGTH] += 1

    def _walls(self, event: Event, spans: Spans, overrides: Overrides) -> Iterator[tuple[datetime, Period | None]]:
        """When the event and its recurrences begin, each with its own period if it has one."""
        walls: dict[tuple[datetime, Period | None], None] = {(spans.start, None): None}
        walls |= dict.fromkeys((wall, None) for wall in self._expand(event, spans, overrides, event.rules))
        for start, period in (_added(date_, event) for date_ in event.dates):
            walls[spans.wall_of(start), period] = None
            event.unknown[problems.UNKNOWN_TIME_ZONE] += not spans.knows(start)
        excluded = self._excluded(event, spans, overrides)
        for wall, period in walls:
            if wall in excluded or wall.date() in excluded or overrides.replace(wall):
                continue
            self._left -= 1
            if self._left < 0:
                raise Refused(problems.TOO_LARGE)
            yield wall, period

    def _excluded(self, event: Event, spans: Spans, overrides: Overrides) -> set[datetime | date]:
        """A time in a zone that is not known excludes nothing."""
        known = [moment for moment in event.except_dates if spans.knows(moment)]
        event.unclear[problems.UNCLEAR_RULE] += len(event.except_dates) - len(known) + overrides.unknown
        times = {moment.wall.date() if moment.whole_day else spans.wall_of(moment) for moment in known}
        return times | set(self._expand(event, spans, overrides, event.except_rules))

    def _expand(self, event: Event, spans: Spans, overrides: Overrides, rules: list[Rule]) -> Iterator[datetime]:
        margin = min(spans.longest + overrides.farthest, MAX_MARGIN) + 2 * DAY
        first, last = (self._start - margin).replace(tzinfo=None), (self._end + margin).replace(tzinfo=None)
        for rule in rules:
            if event.start.whole_day:
                rule = rule.for_whole_days()
            until = self._until(rule, event, spans)
            try:
                yield from self._occurrences(rule, event, spans.start, first, min(last, until))
            except TooManyError as error:
                raise Refused(problems.TOO_LARGE) from error

    def _occurrences(
        self, rule: Rule, event: Event, start: datetime, first: datetime, last: datetime
    ) -> Iterable[datetime]:
        if rule.count:
            try:
                return list(occurrences(rule, start, first, last))
            except TooManyError:  # too many to count them from the start: as if they did not end, or excluded nothing
                event.unclear[problems.UNCLEAR_RULE] += 1
                if rule in event.except_rules:
                    return ()
                rule = replace(rule, count=None)
        return occurrences(rule, start, first, last)

    def _until(self, rule: Rule, event: Event, spans: Spans) -> datetime:
        """The last time on the event's clock."""
        moment = read_moment(Property(rule.until, {})) if rule.until else None
        if moment is None:
            event.unclear[problems.UNCLEAR_RULE] += bool(rule.until)
            return FOREVER
        if event.start.whole_day:
            return datetime.combine(self._last_day(moment), MIDNIGHT)
        return moment.wall + DAY - timedelta(seconds=1) if moment.whole_day else spans.wall_of(moment)

    def _last_day(self, until: Moment) -> datetime:
        """A series of whole days must end on a date. Many write an instant: midnight on a clock, or just before it."""
        if until.zone != "UTC":
            return until.wall
        instant = until.wall.replace(tzinfo=UTC)
        walls = [zone.to_wall(instant) for zone in (COPENHAGEN, *self._zones.defined(), UTC_ZONE)]
        midnights = [wall for wall in walls if wall.time() == MIDNIGHT]
        just_before = [wall for wall in walls if wall.time() >= time(23, 59)]
        return (midnights + just_before + walls)[0]


def _newest_override(events: list[Event]) -> list[Event]:
    """Of the same recurrence, whatever its new start."""
    last = max((event.sequence, event.stamp) for event in events)
    return [event for event in events if (event.sequence, event.stamp) == last]


def _added(added: Moment | Period, event: Event) -> tuple[Moment, Period | None]:
    """An added time, with its own period if it has one. A date in the list of a series that has times is the whole
    day."""
    if isinstance(added, Period):
        return added.start, added
    return added, Period(added, WHOLE_DAY) if added.whole_day and not event.start.whole_day else None
