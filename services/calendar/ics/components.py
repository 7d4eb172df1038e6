"""Turns lines into components, as they come. Only properties that say when and whether somebody is busy are kept."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from services.calendar.ics import problems
from services.calendar.ics.problems import Refused

MAX_DEPTH = 8
CALENDAR, EVENT, FREE_BUSY, TIME_ZONE = "VCALENDAR", "VEVENT", "VFREEBUSY", "VTIMEZONE"
WITHOUT_TIMES = {"VTODO", "VJOURNAL"}  # never make anybody busy
OUTER = {CALENDAR, EVENT, FREE_BUSY, TIME_ZONE, *WITHOUT_TIMES}  # a new one ends those that are open
KEPT = {
    EVENT: {
        "UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "DTSTART",
        "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
    },
    FREE_BUSY: {"FREEBUSY"},
    TIME_ZONE: {"TZID", "X-LIC-LOCATION"},
    "STANDARD": {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"},
}  # fmt: skip
KEPT["DAYLIGHT"] = KEPT["STANDARD"]
NAME = re.compile(rb"\s*([A-Za-z0-9-]+)\s*[;:]")
PROPERTY = re.compile(r'[^;:]+((?:;[^:"]*(?:"[^"]*"[^:"]*)*)?):(.*)', re.DOTALL)
PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=\s*(?:"([^"]*)"|([^;:"]*))')


class Property(NamedTuple):
    value: str
    parameters: dict[str, str]


@dataclass(slots=True)
class Component:
    name: str
    properties: dict[str, list[Property]] = field(default_factory=dict)
    parts: list["Component"] = field(default_factory=list)
    is_cut_off: bool = False  # the calendar ends within it

    def all(self, name: str) -> list[Property]:
        return self.properties.get(name, [])

    def text(self, name: str) -> str:
        """The value of the first such property that has one; empty if there is none."""
        return next((value for value, _ in self.all(name) if value), "")


def read_components(lines: Iterable[bytes], counts: Counter[str]) -> Iterator[Component]:
    """Yields each calendar, event, time zone and list of busy periods when it ends. Raises Refused if too deep."""
    stack: list[Component] = []
    for line in lines:
        match = NAME.match(line)
        if not match:
            continue
        name = match[1].upper().decode()
        if name == "BEGIN":
            opened = _component_name(line)
            if opened in OUTER:
                yield from _close(stack, 0 if opened == CALENDAR else _calendar_depth(stack))
            elif len(stack) == 1 and stack[0].name == CALENDAR and not opened.startswith("X-"):
                counts[problems.UNKNOWN_COMPONENT] += 1
            stack.append(Component(opened))
            if len(stack) > MAX_DEPTH:
                raise Refused(problems.TOO_LARGE)
        elif name == "END":
            closed = _component_name(line)
            depths = [depth for depth, component in enumerate(stack) if component.name == closed]
            yield from _close(stack, depths[-1] if depths else len(stack))
        elif stack and name in KEPT.get(stack[-1].name, ()):
            stack[-1].properties.setdefault(name, []).append(_property(line))
    if stack:
        counts[problems.CUT_OFF] += 1
        stack[-1].is_cut_off = True
    yield from _close(stack, 0)


def _component_name(line: bytes) -> str:
    return line.partition(b":")[2].strip().upper().decode("latin-1")


def _calendar_depth(stack: list[Component]) -> int:
    return 1 if stack and stack[0].name == CALENDAR else 0


def _close(stack: list[Component], depth: int) -> Iterator[Component]:
    """Ends the components from `depth` on, the innermost first."""
    while len(stack) > depth:
        component = stack.pop()
        if stack and stack[-1].name == TIME_ZONE:
            stack[-1].parts.append(component)
        elif component.name in OUTER:
            yield component


def _property(line: bytes) -> Property:
    text = line.decode("latin-1")
    match = PROPERTY.match(text)
    head, value = match.groups() if match else text.partition(":")[::2]
    parameters: dict[str, str] = {}
    for name, quoted, plain in PARAMETER.findall(head):
        parameters.setdefault(name.upper(), (quoted or plain).strip())
    return Property(value.strip(), parameters)
