"""Reads the busy times of a calendar that somebody else wrote, component by component."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO
from uuid import UUID

from services.calendar.ics import problems
from services.calendar.ics.components import CALENDAR, EVENT, FREE_BUSY, TIME_ZONE, Component, read_components
from services.calendar.ics.events import Event, is_free, read_event
from services.calendar.ics.lines import read_lines
from services.calendar.ics.problems import Refused
from services.calendar.ics.series import Busy, Series
from services.calendar.ics.values import Period, read_list
from services.calendar.ics.zones import Zones
from services.calendar.intervals import Interval, clip

LONG_BEFORE = timedelta(days=45)  # more than 999 hours
PLAIN = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:T\d{6}Z?)?")
RECURRING = {"RRULE", "RDATE", "RECURRENCE-ID"}
MAX_EVENTS = 10_000  # that matter for the period
MAX_BUSY_TIMES = 5_000


@dataclass
class Reading:
    """`by_id`: busy times of events whose UID holds a UUID. `counts`: what was not understood."""

    busy: list[Interval]
    by_id: dict[UUID, list[Interval]]
    counts: dict[str, int]


@dataclass
class _Contents:
    events: list[Event] = field(default_factory=list)
    lists: list[Component] = field(default_factory=list)
    zones: list[Component] = field(default_factory=list)
    has_calendar: bool = False
    seen: int = 0
    understood: int = 0


def read_calendar(stream: BinaryIO, start: datetime, end: datetime) -> Reading:
    """Busy times from `start` to `end`, cut to them and merged. Raises Refused."""
    counts: Counter[str] = Counter()
    contents = _read(stream, start.replace(tzinfo=None), end.replace(tzinfo=None), counts)
    if not contents.understood and (contents.seen or counts[problems.CUT_OFF] or not contents.has_calendar):
        raise Refused(problems.NOT_A_CALENDAR)
    if not contents.seen:
        counts[problems.NO_EVENTS] += 1
    series = Series(Zones(contents.zones, start, end), start, end, counts)
    free: list[Interval] = []
    by_id: dict[UUID, list[Interval]] = {}
    for busy in _busy(series, contents):
        (free if busy.id is None else by_id.setdefault(busy.id, [])).append((busy.start, busy.end))
    reading = Reading(clip(free, start, end), {id_: clip(times, start, end) for id_, times in by_id.items()}, {})
    if len(reading.busy) + sum(map(len, reading.by_id.values())) > MAX_BUSY_TIMES:
        raise Refused(problems.TOO_LARGE)
    reading.counts = {code: count for code, count in counts.items() if count}
    return reading


def _busy(series: Series, contents: _Contents) -> Iterator[Busy]:
    yield from series.busy(contents.events)
    for component in contents.lists:
        yield from series.busy_periods(component)


def _read(stream: BinaryIO, start: datetime, end: datetime, counts: Counter[str]) -> _Contents:
    """Keeps only what lies ahead. Raises Refused if that is too much."""
    contents = _Contents()
    past = f"{start - LONG_BEFORE:%Y%m%d}"
    for component in read_components(read_lines(stream), counts):
        if component.name == CALENDAR:
            contents.has_calendar = True
        elif component.name == TIME_ZONE:
            contents.zones.append(component)
        elif component.name == FREE_BUSY:
            _add_list(component, contents)
        elif component.name == EVENT:
            contents.seen += 1
            if _is_long_past(component, past):
                contents.understood += 1
                continue
            event = read_event(component)
            contents.understood += bool(event) or is_free(component)
            if event and not event.lies_outside(start, end):
                contents.events.append(event)
            elif event is None and not (is_free(component) or component.is_cut_off):
                counts[problems.NO_START] += 1
        if len(contents.events) + len(contents.lists) + len(contents.zones) > MAX_EVENTS:
            raise Refused(problems.TOO_LARGE)
    return contents


def _is_long_past(component: Component, past: str) -> bool:
    """Whether a single event has plain dates before `past`. Most of a long history is dropped here, unread."""
    if component.properties.keys() & RECURRING:
        return False
    length = component.text("DURATION")
    start = component.text("DTSTART")
    dates = [start, component.text("DTEND") or start]
    is_short = not length or (length.startswith("PT") and len(length) <= len("PT999H"))
    return is_short and all(PLAIN.fullmatch(date) and date < past for date in dates)


def _add_list(component: Component, contents: _Contents) -> None:
    readable = [isinstance(period, Period) for item in component.all("FREEBUSY") for period in read_list(item)]
    contents.seen += 1
    contents.understood += not readable or any(readable)
    contents.lists.append(component)
