"""Busy times out of a calendar somebody else wrote. Run as a process of its own, with limits, by ics_sandbox.py.

Reads iCalendar from standard input and writes {"busy": [[start, end], ...]} in epoch seconds, or {"problem": code}.
Only times leave this process: no title, place or name.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

CPU_SECONDS = 5
MEMORY = 512 * 1024 * 1024
MOST_BYTES = 1_048_576
MOST_EVENTS = 3_000
MOST_RECURRENCES = 20_000
MOST_BUSY_TIMES = 2_000
DEEPEST = 8
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
TOO_LARGE = "calendar_too_large"
NOT_A_CALENDAR = "not_a_calendar"
Span = tuple[datetime, datetime]


class Refused(Exception):
    """The code of the problem is the only argument."""


def busy_times(content: bytes, start: datetime, end: datetime) -> list[Span]:
    """Merged, and cut to start..end. Raises Refused, or whatever the libraries raise on what is no calendar."""
    from services.calendar.intervals import clip  # not before the limits are set

    _refuse_excess(content)
    found = [span for event in _events(content, start, end) if _blocks(event) and (span := _span(event))]
    busy = clip(found, start, end)
    if len(busy) > MOST_BUSY_TIMES:
        raise Refused(TOO_LARGE)
    return busy


def _refuse_excess(content: bytes) -> None:
    """Before anything is parsed: the parser's own work grows with events, depth and rules."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    unfolded = re.sub(rb"\r?\n[ \t]", b"", content)
    lines = [line.rstrip().upper() for line in unfolded.splitlines()]
    if not lines or lines[0].removeprefix(b"\xef\xbb\xbf") != b"BEGIN:VCALENDAR":
        raise Refused(NOT_A_CALENDAR)
    depth = deepest = 0
    for line in lines:
        depth += line.startswith(b"BEGIN:") - line.startswith(b"END:")
        deepest = max(deepest, depth)
    if depth != 0 and deepest <= DEEPEST:  # cut short: what is missing may be busy
        raise Refused(NOT_A_CALENDAR)
    rules = [line for line in lines if line.startswith((b"RRULE", b"EXRULE"))]
    too_often = any(word in rule for rule in rules for word in (b"FREQ=SECONDLY", b"FREQ=MINUTELY"))
    if deepest > DEEPEST or too_often or lines.count(b"BEGIN:VEVENT") > MOST_EVENTS:
        raise Refused(TOO_LARGE)


def _events(content: bytes, start: datetime, end: datetime) -> Iterator[Any]:
    import recurring_ical_events  # type: ignore[import-untyped]
    from icalendar import Calendar

    left = MOST_RECURRENCES
    for calendar in Calendar.from_ical(content, multiple=True):
        calendar.pop("X-WR-TIMEZONE", None)  # acting on it would turn UTC into a clock that shows an hour twice
        # a day more at each end: floating times and whole days are put into Copenhagen's time afterwards
        query = recurring_ical_events.of(calendar, components=["VEVENT"])
        for event in query.between(start - timedelta(days=1), end + timedelta(days=1)):
            left -= 1
            if left < 0:
                raise Refused(TOO_LARGE)
            yield event


def _blocks(event: Any) -> bool:
    cancelled = str(event.get("STATUS", "")).upper() == "CANCELLED"
    transparent = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    return not cancelled and not transparent


def _span(event: Any) -> Span | None:
    """None for a moment without length. What begins in an hour that the clocks skip lasts as long as anywhere else."""
    starts, ends = _local(event.start), _local(event.end)
    start, end = starts.astimezone(UTC), ends.astimezone(UTC)
    skipped = start.astimezone(starts.tzinfo).replace(tzinfo=None) != starts.replace(tzinfo=None)
    if skipped:
        end = start + (ends.replace(tzinfo=None) - starts.replace(tzinfo=None))
    return (start, end) if start < end else None


def _local(value: date | datetime) -> datetime:
    """A whole day begins at midnight in Copenhagen, and a time without a zone is meant there."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value if value.tzinfo else value.replace(tzinfo=COPENHAGEN)


def main() -> None:
    cpu_seconds = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    start, end = (datetime.fromtimestamp(int(argument), UTC) for argument in sys.argv[1:3])
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        busy = busy_times(content, start, end)
    except Refused as refused:
        answer: dict[str, Any] = {"problem": str(refused)}
    except (MemoryError, RecursionError):
        answer = {"problem": TOO_LARGE}
    else:
        answer = {"busy": [[int(a.timestamp()), int(b.timestamp())] for a, b in busy]}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
