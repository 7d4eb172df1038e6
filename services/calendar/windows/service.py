"""From the rules as they stand to the windows that booking hears of: only what changed, for a rolling 400 days."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events
from services.calendar.hours import expansion
from services.calendar.hours import queries as hours_queries
from services.calendar.hours.expansion import NO_HOURS, Hours, OpenDay, Rules
from services.calendar.imports import queries as import_queries
from services.calendar.local_time import bounds, today
from services.calendar.time_off import queries as time_off_queries
from services.calendar.windows import queries
from services.calendar.windows.queries import lock
from shared.messaging.events import emit

HORIZON = timedelta(days=400)
DAYS_PER_EVENT = 120
LOCTICIANS_PER_RUN = 50


async def publish(session: AsyncSession, loctician_id: UUID, first: date) -> int:
    """Recompute the horizon from `first`, store the days that differ and emit them. Returns how many."""
    await lock(session, loctician_id)
    last = first + HORIZON - timedelta(days=1)
    opened = expansion.expand(await _rules(session, loctician_id, first, last), first, HORIZON.days)
    stored = await queries.days_between(session, loctician_id, first, last)
    changed = [day for day, found in opened.items() if found != stored.get(day, NO_HOURS)]
    await queries.put_days(session, loctician_id, {day: opened[day] for day in changed})
    for n in range(0, len(changed), DAYS_PER_EVENT):
        await emit_days(session, loctician_id, {day: opened[day] for day in changed[n : n + DAYS_PER_EVENT]})
    await queries.published_until(session, loctician_id, last)
    return len(changed)


async def _rules(session: AsyncSession, loctician_id: UUID, first: date, last: date) -> Rules:
    start, end = bounds(first)[0], bounds(last)[1]
    off = await time_off_queries.time_off_between(session, loctician_id, start, end)
    return Rules(
        hours=[Hours(**row) for row in await hours_queries.hours_of(session, loctician_id)],
        overrides={
            row["day"]: [(time.fromisoformat(starts), time.fromisoformat(ends)) for starts, ends in row["windows"]]
            for row in await hours_queries.overrides_between(session, loctician_id, first, last)
        },
        off=[(one["starts_at"], one["ends_at"]) for one in off],
        busy=await import_queries.busy_between(session, loctician_id, start, end),
    )


async def emit_days(session: AsyncSession, loctician_id: UUID, days: Mapping[date, OpenDay]) -> None:
    changed = [
        events.Day(
            date=day, windows=[events.Window(start=a, end=b) for a, b in found.windows], closed_for=found.closed_for
        )
        for day, found in days.items()
    ]
    version = await queries.next_version(session, loctician_id)
    emit(session, events.WindowsChanged(version=version, loctician_id=loctician_id, days=changed))


async def extend(session: AsyncSession) -> None:
    """Publish the days that came into the horizon, for some of those who lack them; the next run takes the others."""
    first = today()
    last = first + HORIZON - timedelta(days=1)
    for loctician_id in await queries.published_short_of(session, last, LOCTICIANS_PER_RUN):
        await publish(session, loctician_id, first)
