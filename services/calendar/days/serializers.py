"""A day of a loctician's calendar as responses show it."""

from collections.abc import Sequence
from datetime import date
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
    """`off` and `appointments` are the day's; `busy` may hold other days' too."""
    taken = [(row["starts_at"], row["ends_at"]) for row in appointments]
    return {
        "date": day.isoformat(),
        "windows": [span(window) for window in open_day.windows],
        "closed_for": open_day.closed_for,
        "time_off": [time_off(row) for row in off],
        "busy": [span(interval) for interval in clip(busy, *day_bounds(day))],
        "appointments": [appointment(row) for row in appointments],
        "free": [span(interval) for interval in subtract(open_day.windows, taken)],
    }
