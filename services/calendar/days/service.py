"""A loctician's days: open, off, busy elsewhere, booked and free."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.appointments import queries as appointment_queries
from services.calendar.appointments.serializers import appointment, span
from services.calendar.errors import RangeTooLong
from services.calendar.hours.expansion import NO_HOURS, OpenDay
from services.calendar.imports import queries as import_queries
from services.calendar.intervals import Window, clip, subtract
from services.calendar.local_time import bounds
from services.calendar.privacy import NOBODY
from services.calendar.rows import Rows
from services.calendar.time_off import queries as time_off_queries
from services.calendar.time_off.serializers import absence
from services.calendar.windows import queries as window_queries
from shared.identity.principals import Principal
from shared.privacy.events import audit_read

MAX_DAYS = 62
View = Literal["day", "week"]
DAYS_AFTER = {"day": 0, "week": 6, None: 7}


def last_day(first: date, last: date | None, view: View | None) -> date:
    """The last day shown, itself included. Raises RangeTooLong."""
    found = last or first + timedelta(days=DAYS_AFTER[view])
    if not 0 <= (found - first).days < MAX_DAYS:
        raise RangeTooLong(days=MAX_DAYS)
    return found


async def read(session: AsyncSession, who: Principal, loctician_id: UUID, first: date, last: date) -> dict[str, Any]:
    """What the salon reads of other people is audited; a loctician's own calendar is the loctician's work."""
    found = await overview(session, loctician_id, first, last)
    if who.id != loctician_id:
        customers = {UUID(one["customer_id"]) for day in found["days"] for one in day["appointments"]}
        audit_read(session, who, "calendar", {loctician_id, *customers - {NOBODY}})
    return found


async def overview(session: AsyncSession, loctician_id: UUID, first: date, last: date) -> dict[str, Any]:
    start, end = bounds(first)[0], bounds(last)[1]
    opened = await window_queries.days_between(session, loctician_id, first, last)
    off = await time_off_queries.time_off_between(session, loctician_id, start, end)
    busy = await import_queries.busy_between(session, loctician_id, start, end)
    booked = await appointment_queries.appointments_between(session, loctician_id, start, end)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        "loctician_id": str(loctician_id),
        "days": [_day(day, opened.get(day, NO_HOURS), _on(day, off), busy, _on(day, booked)) for day in days],
    }


def _on(day: date, rows: Rows) -> Rows:
    start, end = bounds(day)
    return [row for row in rows if row["starts_at"] < end and row["ends_at"] > start]


def _day(day: date, opened: OpenDay, off: Rows, busy: Sequence[Window], booked: Rows) -> dict[str, Any]:
    taken = [(row["starts_at"], row["ends_at"]) for row in booked]
    return {
        "date": day.isoformat(),
        "windows": [span(one) for one in opened.windows],
        "closed_for": opened.closed_for,
        "time_off": [absence(row) for row in off],
        "busy": [span(one) for one in clip(busy, *bounds(day))],
        "appointments": [appointment(row) for row in booked],
        "free": [span(one) for one in subtract(opened.windows, taken)],
    }
