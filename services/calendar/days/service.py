"""Reads a loctician's days: open windows, time off, busy times, appointments and free time."""

from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.appointments import queries as appointment_queries
from services.calendar.days.serializers import calendar_day, end_of_day, overlapping_rows
from services.calendar.errors import RangeTooLong
from services.calendar.hours.expansion import NO_HOURS
from services.calendar.imports import queries as import_queries
from services.calendar.local_time import day_bounds
from services.calendar.privacy import ANONYMOUS_ID
from services.calendar.rows import Rows
from services.calendar.time_off import queries as time_off_queries
from services.calendar.windows import queries as window_queries
from shared.identity.principals import Principal
from shared.privacy.events import audit_read

MAX_DAYS = 62
View = Literal["day", "week"]
DAYS_AFTER = {"day": 0, "week": 6, None: 7}


def last_day(first: date, last: date | None, view: View | None) -> date:
    """The last day to show, by `view` where it is not given. Raises RangeTooLong."""
    day = last or first + timedelta(days=DAYS_AFTER[view])
    if not 0 <= (day - first).days < MAX_DAYS:
        raise RangeTooLong(days=MAX_DAYS)
    return day


async def read_calendar(
    session: AsyncSession, principal: Principal, loctician_id: UUID, first: date, last: date
) -> dict[str, Any]:
    """From `first` to `last`, both included. Audited if the reader is not the loctician."""
    calendar = await _calendar(session, loctician_id, first, last)
    if principal.id != loctician_id:
        customers = {UUID(row["customer_id"]) for day in calendar["days"] for row in day["appointments"]}
        audit_read(session, principal, "calendar", {loctician_id, *customers - {ANONYMOUS_ID}})
    return calendar


async def _calendar(session: AsyncSession, loctician_id: UUID, first: date, last: date) -> dict[str, Any]:
    open_days = await window_queries.days_between(session, loctician_id, first, last)
    start, end = day_bounds(first)[0], end_of_day(last, open_days.get(last, NO_HOURS))
    off = await time_off_queries.time_off_between(session, loctician_id, start, end)
    busy = await import_queries.busy_between(session, loctician_id, start, end)
    appointments = await appointment_queries.appointments_between(session, loctician_id, start, end)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        "loctician_id": str(loctician_id),
        "days": [calendar_day(day, open_days.get(day, NO_HOURS), _on(day, off), busy, appointments) for day in days],
    }


def _on(day: date, rows: Rows) -> Rows:
    return overlapping_rows(rows, *day_bounds(day))
