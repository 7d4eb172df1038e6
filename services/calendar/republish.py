"""Publishes all open windows again, after a restore that may have lost events."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.hours.expansion import NO_HOURS
from services.calendar.local_time import today
from services.calendar.windows import queries
from services.calendar.windows.service import DAY, DAYS_PER_EVENT, HORIZON, emit_days

LOCTICIANS = text("SELECT loctician_id FROM calendar.loctician_versions ORDER BY loctician_id")


async def republish(session: AsyncSession, since: datetime) -> int:
    """Emits every day of the horizon for every loctician, also those that did not change after `since`; and yesterday.

    Each event has a new version, so it replaces what consumers know. Returns the number of locticians.
    """
    locticians = (await session.execute(LOCTICIANS)).scalars().all()
    first = today() - DAY  # its opening can run past midnight
    days = [first + n * DAY for n in range(HORIZON.days + 1)]
    for loctician_id in locticians:
        await queries.lock(session, loctician_id)
        stored = await queries.days_between(session, loctician_id, first, days[-1])
        for n in range(0, len(days), DAYS_PER_EVENT):
            batch = days[n : n + DAYS_PER_EVENT]
            await emit_days(session, loctician_id, {day: stored.get(day, NO_HOURS) for day in batch})
    return len(locticians)
