"""Publishes open windows: expands a loctician's rules over the next 400 days and emits the days that changed."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events
from services.calendar.hours import queries as hours_queries
from services.calendar.hours.expansion import NO_HOURS, Hours, OpenDay, Rules, expand
from services.calendar.hours.schemas import clock_of
from services.calendar.imports import queries as import_queries
from services.calendar.intervals import merge
from services.calendar.local_time import day_bounds, today
from services.calendar.time_off import queries as time_off_queries
from services.calendar.windows import queries
from shared.messaging.events import emit

DAY = timedelta(days=1)
HORIZON = timedelta(days=400)
DAYS_PER_EVENT = 120
LOCTICIANS_PER_RUN = 50


async def publish(session: AsyncSession, loctician_id: UUID, first: date) -> int:
    """Computes the windows of 400 days from `first`, stores and emits the days that changed. Returns their number.

    Of the day before `first`, an opening that runs past midnight is computed from midnight on.
    """
    await queries.lock(session, loctician_id)
    before, last = first - DAY, first + HORIZON - DAY
    computed = expand(await _rules(session, loctician_id, before, last), before, HORIZON.days + 1)
    stored = await queries.days_between(session, loctician_id, before, last)
    computed[before] = _from_midnight(day_bounds(first)[0], stored.get(before, NO_HOURS), computed[before])
    changed = [day for day, open_day in computed.items() if open_day != stored.get(day, NO_HOURS)]
    await queries.put_days(session, loctician_id, {day: computed[day] for day in changed})
    for n in range(0, len(changed), DAYS_PER_EVENT):
        await emit_days(session, loctician_id, {day: computed[day] for day in changed[n : n + DAYS_PER_EVENT]})
    await queries.set_published_until(session, loctician_id, last)
    return len(changed)


def _from_midnight(midnight: datetime, published: OpenDay, computed: OpenDay) -> OpenDay:
    """A day that has passed: what was published of it up to its end at midnight, and what is computed after that."""
    passed = [(start, min(end, midnight)) for start, end in published.windows]
    ahead = [(max(start, midnight), end) for start, end in computed.windows]
    windows = merge([*passed, *ahead])
    return OpenDay(windows, None if windows else published.closed_for)


async def _rules(session: AsyncSession, loctician_id: UUID, first: date, last: date) -> Rules:
    """For these days, both included. The day before counts as well, because its opening can run past midnight."""
    start, end = day_bounds(first)[0], day_bounds(last + DAY)[1]
    time_off = await time_off_queries.time_off_between(session, loctician_id, start, end)
    return Rules(
        hours=[Hours(**row) for row in await hours_queries.hours_of(session, loctician_id)],
        overrides={
            row["day"]: [(clock_of(starts), clock_of(ends)) for starts, ends in row["windows"]]
            for row in await hours_queries.overrides_between(session, loctician_id, first - DAY, last)
        },
        off=[(row["starts_at"], row["ends_at"]) for row in time_off],
        busy=await import_queries.busy_between(session, loctician_id, start, end),
    )


async def emit_days(session: AsyncSession, loctician_id: UUID, days: Mapping[date, OpenDay]) -> None:
    """Emits one calendar.windows_changed.v1 with the loctician's next version."""
    version = await queries.next_version(session, loctician_id)
    emit(session, windows_changed(loctician_id, version, days))


def windows_changed(loctician_id: UUID, version: int, days: Mapping[date, OpenDay]) -> events.WindowsChanged:
    changed = [
        events.Day(
            date=day,
            windows=[events.Window(start=start, end=end) for start, end in open_day.windows],
            closed_for=open_day.closed_for,
        )
        for day, open_day in days.items()
    ]
    return events.WindowsChanged(version=version, loctician_id=loctician_id, days=changed)


async def extend_horizon(session: AsyncSession) -> None:
    """Publishes the days that came into the horizon, for at most 50 locticians; the next run takes the others."""
    first = today()
    last = first + HORIZON - DAY
    for loctician_id in await queries.locticians_published_before(session, last, LOCTICIANS_PER_RUN):
        await publish(session, loctician_id, first)
