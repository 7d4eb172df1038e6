"""An event as the calendar states it, before its time zone is known."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from uuid import UUID

from services.calendar.ics import problems
from services.calendar.ics.components import Component, Property
from services.calendar.ics.rules import Rule, parse_rule
from services.calendar.ics.values import DAY, Length, Moment, Period, parse_duration, read_list, read_moment

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
EXCHANGE_ID = "040000008200E00074C5B7101A82E008"  # then the UID of whoever wrote the event, in hexadecimal digits
BUSY_STATES = {"BUSY", "OOF", "TENTATIVE"}
CANCELLED = {"CANCELLED", "CANCELED"}
AROUND = timedelta(days=2)  # more than any two time zones differ by
LONG_BEFORE = timedelta(days=32)  # a recurrence of a series that began so long before does not reach into the period


@dataclass(slots=True)
class Event:
    uid: str  # empty: it has none
    id: UUID | None  # the first UUID in the UID
    start: Moment
    end: Moment | Length | None
    blocks: bool
    end_is_unclear: bool = False  # an end is stated, but cannot be read
    sequence: int = 0
    stamp: str = ""
    recurs_at: Moment | None = None  # set: it replaces this recurrence of the series
    and_future: bool = False  # and all later ones
    rules: list[Rule] = field(default_factory=list)
    except_rules: list[Rule] = field(default_factory=list)
    dates: list[Moment | Period] = field(default_factory=list)
    except_dates: list[Moment] = field(default_factory=list)
    unclear: Counter[str] = field(default_factory=Counter)  # what matters if the event blocks anything
    unknown: Counter[str] = field(default_factory=Counter)  # what could block anything

    def lies_outside(self, start: datetime, end: datetime) -> bool:
        """Whether it can neither block nor free anything between them, in whichever time zone."""
        if self.rules or self.dates or self.unknown or self.and_future:
            return False
        if self.recurs_at and start - LONG_BEFORE < self.recurs_at.wall < end + LONG_BEFORE:
            return False
        return self.start.wall > end + AROUND or self._rough_end < start - AROUND

    @property
    def _rough_end(self) -> datetime:
        if isinstance(self.end, Moment):
            return max(self.start.wall, self.end.wall) + DAY
        return self.start.wall + DAY + (self.end.rough if self.end else DAY)


def read_event(component: Component) -> Event | None:
    """None if neither its start nor its end can be read."""
    unclear, unknown = Counter[str](), Counter[str]()
    blocks, uid = not is_free(component), component.text("UID")
    recurs_at = next(_moments(component, "RECURRENCE-ID"), None)
    start, end, end_is_unclear = _times(component)
    if start is None and not blocks:
        start = recurs_at  # a recurrence that is cancelled needs no time of its own
    if start is None and isinstance(end, Moment):
        start = _beginning(end)
        unclear[problems.UNCLEAR_TIME] += 1
    if start is None:
        return None
    replaces_unknown = bool(component.all("RECURRENCE-ID")) and recurs_at is None
    unclear[problems.UNCLEAR_RULE] += replaces_unknown
    return Event(
        "" if replaces_unknown else uid,
        _id(uid),
        start,
        end,
        blocks,
        end_is_unclear,
        _sequence(component),
        _stamp(component),
        recurs_at,
        any(p.parameters.get("RANGE", "").upper() == "THISANDFUTURE" for p in component.all("RECURRENCE-ID")),
        _rules(component, unclear, unknown),
        _except_rules(component, unclear),
        list(_listed(component, "RDATE", unknown)),
        [moment for moment in _listed(component, "EXDATE", unclear) if isinstance(moment, Moment)],
        unclear,
        unknown,
    )


def is_free(component: Component) -> bool:
    """Outlook's own property says more than TRANSP, which it cannot contradict by saying that the time is free. Of two
    values that contradict each other the one counts that says busy."""
    status = _codes(component, "STATUS")
    if status and status <= CANCELLED:
        return True
    states, transparency = _codes(component, "X-MICROSOFT-CDO-BUSYSTATUS"), _codes(component, "TRANSP")
    if states & BUSY_STATES:
        return False
    return transparency == {"TRANSPARENT"} or (states == {"FREE"} and not transparency)


def _codes(component: Component, name: str) -> set[str]:
    return {value.upper() for value, _ in component.all(name) if value}


def _times(component: Component) -> tuple[Moment | None, Moment | Length | None, bool]:
    """Start, end, and whether an end is stated that cannot be read."""
    stated = component.is_cut_off or component.all("DTEND") or component.all("DURATION")
    end = next(_moments(component, "DTEND"), None)
    durations = (parse_duration(value) for value, _ in component.all("DURATION"))
    length = next((duration for duration in durations if duration), None)
    return next(_moments(component, "DTSTART"), None), end or length, bool(stated) and not (end or length)


def _beginning(end: Moment) -> Moment:
    """The beginning of the day that an event ends on."""
    day = (end.wall - timedelta(seconds=1)).date()
    return Moment(datetime.combine(day, time()), end.zone, end.whole_day)


def _moments(component: Component, name: str) -> Iterator[Moment]:
    return (moment for property_ in component.all(name) if (moment := read_moment(property_)))


def _listed(component: Component, name: str, unread: Counter[str]) -> Iterator[Moment | Period]:
    for property_ in component.all(name):
        for moment in read_list(property_):
            if moment:
                yield moment
            else:
                unread[problems.UNCLEAR_RULE] += 1


def _rules(component: Component, unclear: Counter[str], unread: Counter[str]) -> list[Rule]:
    rules = []
    for value, _ in component.all("RRULE"):
        rule = parse_rule(value, unclear) if value else None
        if rule:
            rules.append(rule)
        elif value:
            unread[problems.UNCLEAR_RULE] += 1
    return rules


def _except_rules(component: Component, unclear: Counter[str]) -> list[Rule]:
    """Only those that are understood in full: without one of its parts a rule would exclude too much."""
    rules = []
    for value, _ in component.all("EXRULE"):
        unread = Counter[str]()
        rule = parse_rule(value, unread) if value else None
        if rule and not unread and (not rule.until or read_moment(Property(rule.until, {}))):
            rules.append(rule)
        elif value:
            unclear[problems.UNCLEAR_RULE] += 1
    return rules


def _sequence(component: Component) -> int:
    text = component.text("SEQUENCE")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _stamp(component: Component) -> str:
    """Comparable, because stamps are in UTC."""
    return next((moment.wall.isoformat() for moment in _moments(component, "DTSTAMP")), "")


def _id(uid: str) -> UUID | None:
    if uid.upper().startswith(EXCHANGE_ID):
        try:
            uid = bytes.fromhex(uid).decode("latin-1")
        except ValueError:
            return None
    match = ID.search(uid)
    return UUID(match[0]) if match else None
