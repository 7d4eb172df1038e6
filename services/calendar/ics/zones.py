"""Time zones by their TZID: by name, or as the calendar itself defines them."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo, available_timezones

from services.calendar.ics.components import Component, Property
from services.calendar.ics.expansion import TooManyError, occurrences
from services.calendar.ics.rules import parse_rule
from services.calendar.ics.values import FOREVER, Moment, read_list, read_moment

FIXED = re.compile(r"\(?(?:UTC|GMT)\s*(?:([+-])\s*(\d{1,2})(?:[:.]?(\d\d))?)?\)?", re.IGNORECASE)
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)(?::?\d\d)?")
YEARS = timedelta(days=3 * 366)


class Zone(Protocol):
    def to_utc(self, wall: datetime) -> datetime:
        """The instant. A time that a change skips counts by the offset before the change; of a time that comes twice it
        is the first."""

    def to_wall(self, instant: datetime) -> datetime: ...


class NamedZone:
    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def to_utc(self, wall: datetime) -> datetime:
        return wall.replace(tzinfo=self._zone).astimezone(UTC)

    def to_wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self._zone).replace(tzinfo=None)


class Onset(NamedTuple):
    instant: datetime
    before: timedelta
    after: timedelta


class DefinedZone:
    """By the changes of offset that a calendar lists."""

    def __init__(self, onsets: list[Onset]) -> None:
        self._onsets = sorted(onsets)
        self._instants = [onset.instant for onset in self._onsets]
        self._walls = [onset.instant.replace(tzinfo=None) + onset.before for onset in self._onsets]

    def to_utc(self, wall: datetime) -> datetime:
        index = bisect_right(self._walls, wall) - 1
        if index < 0:
            return (wall - self._onsets[0].before).replace(tzinfo=UTC)
        onset = self._onsets[index]
        instant = (wall - onset.after).replace(tzinfo=UTC)
        return instant if instant >= onset.instant else (wall - onset.before).replace(tzinfo=UTC)

    def to_wall(self, instant: datetime) -> datetime:
        index = bisect_right(self._instants, instant) - 1
        offset = self._onsets[0].before if index < 0 else self._onsets[index].after
        return (instant + offset).replace(tzinfo=None)


COPENHAGEN = NamedZone(ZoneInfo("Europe/Copenhagen"))
UTC_ZONE = NamedZone(UTC)


class Zones:
    """Those of one calendar. `start` and `end` are the period that is asked for."""

    def __init__(self, definitions: Iterable[Component], start: datetime, end: datetime) -> None:
        self._definitions: dict[str, Component] = {}
        for component in definitions:
            self._definitions.setdefault(component.text("TZID"), component)
        self._period = start.replace(tzinfo=None) - YEARS, end.replace(tzinfo=None) + YEARS
        self._zones: dict[str, Zone | None] = {"UTC": UTC_ZONE}

    def find(self, name: str | None) -> Zone | None:
        """None for an unknown zone. A time without a zone is on Copenhagen's clock."""
        if name is None or (not name and name not in self._definitions):
            return COPENHAGEN
        if name not in self._zones:
            self._zones[name] = self._resolve(name)
        return self._zones[name]

    def defined(self) -> list[Zone]:
        zones = (self.find(name) for name in self._definitions)
        return [zone for zone in zones if zone is not None]

    def _resolve(self, name: str) -> Zone | None:
        return named_zone(name) or self._define(name) or similar_zone(name)

    def _define(self, name: str) -> Zone | None:
        component = self._definitions.get(name)
        if component is None:
            return None
        location = named_zone(component.text("X-LIC-LOCATION"))
        onsets = [onset for part in component.parts for onset in _onsets(part, *self._period)]
        return location or (DefinedZone(onsets) if onsets else None)


def _onsets(part: Component, start: datetime, end: datetime) -> Iterator[Onset]:
    first = next((moment for moment in map(read_moment, part.all("DTSTART")) if moment), None)
    before, after = _offset(part.text("TZOFFSETFROM")), _offset(part.text("TZOFFSETTO"))
    if first is None or after is None:
        return
    walls = {first.wall} | {m.wall for p in part.all("RDATE") for m in read_list(p) if isinstance(m, Moment)}
    for value, _ in part.all("RRULE"):
        walls |= _recurrences(value, first.wall, start, end)
    for wall in walls:
        yield Onset(_instant(wall, after if before is None else before), after if before is None else before, after)


def _instant(wall: datetime, offset: timedelta) -> datetime:
    return (max(wall, datetime(2, 1, 1)) - offset).replace(tzinfo=UTC)  # noqa: DTZ001 - the offset is given apart


def _recurrences(text: str, wall: datetime, start: datetime, end: datetime) -> set[datetime]:
    rule = parse_rule(text, Counter())
    if rule is None:
        return set()
    until = _until(rule.until)
    try:
        return set(occurrences(rule, wall, min(start, until - YEARS), min(end, until)))
    except (TooManyError, OverflowError):
        return set()


def _until(text: str) -> datetime:
    moment = read_moment(Property(text, {}))
    return moment.wall + timedelta(days=1) if moment else FOREVER


def _offset(text: str) -> timedelta | None:
    match = OFFSET.fullmatch(text.strip())
    if not match:
        return None
    length = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -length if match[1] == "-" else length


def named_zone(name: str) -> Zone | None:
    """By its name in the database of time zones."""
    try:
        return NamedZone(ZoneInfo(name)) if name else None
    except (ValueError, OSError, LookupError):
        return None


def similar_zone(name: str) -> Zone | None:
    """By a name that ends in one of the database's, by the name that Windows has for it, or by an offset from UTC."""
    lower = _known_names()
    words = name.strip().strip("/").lower().replace(" ", "_").split("/")
    for n in range(len(words)):
        known = lower.get("/".join(words[n:]))
        if known:
            return named_zone(known)
    zone = named_zone(_windows_names().get(name.strip().lower(), ""))
    return zone or _fixed_zone(name)


@cache
def _known_names() -> dict[str, str]:
    return {known.lower(): known for known in available_timezones()}


@cache
def _windows_names() -> dict[str, str]:
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # takes 0.3 s to import

    return {known.lower(): olson for known, olson in WINDOWS_TO_OLSON.items()}


def _fixed_zone(name: str) -> Zone | None:
    match = FIXED.fullmatch(name.strip())
    if not match:
        return None
    length = timedelta(hours=int(match[2] or 0), minutes=int(match[3] or 0))
    if length >= timedelta(days=1):
        return None
    return NamedZone(timezone(-length if match[1] == "-" else length))
