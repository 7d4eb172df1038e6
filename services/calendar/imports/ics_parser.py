"""Reads busy times from a calendar that a stranger wrote. ics_sandbox.py runs it as a process with limits.

Reads iCalendar from standard input and writes {"busy": [[start, end], ...]} in epoch seconds, or {"problem": code}.
The output holds times only: no title, place or name.
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
MEMORY_BYTES = 512 * 1024 * 1024
MAX_BYTES = 1_048_576
MAX_EVENTS = 3_000
MAX_RECURRENCES = 20_000
MAX_BUSY_TIMES = 2_000
MAX_DEPTH = 8
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
TOO_LARGE = "calendar_too_large"
NOT_A_CALENDAR = "not_a_calendar"
Interval = tuple[datetime, datetime]


class Refused(Exception):
    """The only argument is the code of the problem."""


def busy_times(content: bytes, start: datetime, end: datetime) -> list[Interval]:
    """Merged, and cut to start..end. Raises Refused, or any error of the libraries if it is not a calendar."""
    from services.calendar.intervals import clip  # imported after the limits are set

    _refuse_excess(content)
    blocking = (event for event in _events(content, start, end) if _blocks(event))
    busy = clip([interval for event in blocking if (interval := _interval(event))], start, end)
    if len(busy) > MAX_BUSY_TIMES:
        raise Refused(TOO_LARGE)
    return busy


def _refuse_excess(content: bytes) -> None:
    """Runs before the parser, whose own work grows with the number of events, the depth and the rules."""
    if len(content) > MAX_BYTES:
        raise Refused(TOO_LARGE)
    unfolded = re.sub(rb"\r?\n[ \t]", b"", content)
    lines = [line.rstrip().upper() for line in unfolded.splitlines()]
    if not lines or lines[0].removeprefix(b"\xef\xbb\xbf") != b"BEGIN:VCALENDAR":
        raise Refused(NOT_A_CALENDAR)
    depth = deepest = 0
    for line in lines:
        depth += line.startswith(b"BEGIN:") - line.startswith(b"END:")
        deepest = max(deepest, depth)
    if depth != 0 and deepest <= MAX_DEPTH:  # truncated: busy times may be missing
        raise Refused(NOT_A_CALENDAR)
    rules = [line for line in lines if line.startswith((b"RRULE", b"EXRULE"))]
    too_often = any(word in rule for rule in rules for word in (b"FREQ=SECONDLY", b"FREQ=MINUTELY"))
    if deepest > MAX_DEPTH or too_often or lines.count(b"BEGIN:VEVENT") > MAX_EVENTS:
        raise Refused(TOO_LARGE)


def _events(content: bytes, start: datetime, end: datetime) -> Iterator[Any]:
    import recurring_ical_events  # type: ignore[import-untyped]
    from icalendar import Calendar

    left = MAX_RECURRENCES
    for calendar in Calendar.from_ical(content, multiple=True):
        calendar.pop("X-WR-TIMEZONE", None)  # the library would convert UTC to a wall clock that repeats an hour
        # one day more at each end: floating times and whole days are put into Copenhagen's time afterwards
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


def _interval(event: Any) -> Interval | None:
    """None for an event without length. An event that begins in a skipped hour keeps its length on the wall clock."""
    starts, ends = _local(event.start), _local(event.end)
    start, end = starts.astimezone(UTC), ends.astimezone(UTC)
    skipped = start.astimezone(starts.tzinfo).replace(tzinfo=None) != starts.replace(tzinfo=None)
    if skipped:
        end = start + (ends.replace(tzinfo=None) - starts.replace(tzinfo=None))
    return (start, end) if start < end else None


def _local(value: date | datetime) -> datetime:
    """A whole day begins at midnight in Copenhagen; a time without a zone is on Copenhagen's clock."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value if value.tzinfo else value.replace(tzinfo=COPENHAGEN)


def main() -> None:
    cpu_seconds = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    start, end = (datetime.fromtimestamp(int(argument), UTC) for argument in sys.argv[1:3])
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        busy = busy_times(content, start, end)
    except Refused as refused:
        result: dict[str, Any] = {"problem": str(refused)}
    except (MemoryError, RecursionError):
        result = {"problem": TOO_LARGE}
    else:
        result = {"busy": [[int(start.timestamp()), int(end.timestamp())] for start, end in busy]}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
