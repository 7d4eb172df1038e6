"""A day of a loctician's calendar as responses show it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from services.calendar.appointments.serializers import appointment, span
from services.calendar.hours.expansion import OpenDay
from services.calendar.intervals import Interval, clip, subtract
from services.calendar.local_time import day_bounds
from services.calendar.rows import Rows
from services.calendar.time_off.serializers import time_off


def calendar_day(
    day: date, open_day: OpenDay, off: Rows, busy: Sequence[Interval], appointments: Rows
) -> dict[str, Any]:
    """`off` is the day's; `busy` and `appointments` may hold other days' too."""
    start, midnight = day_bounds(day)
    taken = overlapping_rows(appointments, start, end_of_day(day, open_day))
    return {
        "date": day.isoformat(),
        "windows": [span(window) for window in open_day.windows],
        "closed_for": open_day.closed_for,
        "time_off": [time_off(row) for row in off],
        "busy": [span(interval) for interval in clip(busy, start, midnight)],
        "appointments": [appointment(row) for row in overlapping_rows(appointments, start, midnight)],
        "free": [
            span(interval)
            for interval in subtract(open_day.windows, [(row["starts_at"], row["ends_at"]) for row in taken])
        ],
    }


def end_of_day(day: date, open_day: OpenDay) -> datetime:
    """Midnight, or the end of the last window that runs past it."""
    return max([day_bounds(day)[1], *(end for _, end in open_day.windows)])


def overlapping_rows(rows: Rows, start: datetime, end: datetime) -> Rows:
    return [row for row in rows if row["starts_at"] < end and row["ends_at"] > start]
