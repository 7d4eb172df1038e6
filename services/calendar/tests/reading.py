"""Reads calendars in tests, and writes busy times as "4 Jan 10:00/11:00" in Copenhagen."""

from datetime import UTC, datetime
from io import BytesIO

from domain.clock import to_copenhagen
from services.calendar.ics.reader import Reading, read_calendar
from services.calendar.intervals import Interval, merge

START, END = datetime(2026, 12, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)


def read(content: bytes) -> Reading:
    return read_calendar(BytesIO(content), START, END)


def all_busy(reading: Reading) -> list[Interval]:
    """Also the times of events that could be our own."""
    return merge(reading.busy + [time for times in reading.by_id.values() for time in times])


def busy(reading: Reading) -> list[str]:
    return [f"{_local(start)}/{_local(end, start)}" for start, end in all_busy(reading)]


def _local(instant: datetime, after: datetime | None = None) -> str:
    local = to_copenhagen(instant)
    if after and to_copenhagen(after).date() == local.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}"


def calendar(*bodies: str, before: str = "") -> bytes:
    """A calendar of events; each gets a UID of its own unless it has one."""
    events = "".join(
        f"BEGIN:VEVENT\n{'' if 'UID' in body else f'UID:u{n}{chr(10)}'}{body}\nEND:VEVENT\n"
        for n, body in enumerate(bodies)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{before}{events}END:VCALENDAR\n".replace("\n", "\r\n").encode()
