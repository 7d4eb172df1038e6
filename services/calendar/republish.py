"""What calendar tells again of open hours: after a restore, when some of it may have been on its way."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.hours.expansion import NO_HOURS
from services.calendar.local_time import today
from services.calendar.windows import queries as windows
from services.calendar.windows.service import DAYS_PER_EVENT, HORIZON, emit_days

LOCTICIANS = text("SELECT loctician_id FROM calendar.loctician_versions ORDER BY loctician_id")


async def republish(session: AsyncSession, since: datetime) -> int:
    """Every loctician's days ahead as they stand, whenever they changed: under a new version, so they replace what
    was known. Returns how many locticians."""
    locticians = (await session.execute(LOCTICIANS)).scalars().all()
    first = today()
    days = [first + timedelta(days=n) for n in range(HORIZON.days)]
    for loctician_id in locticians:
        await windows.lock(session, loctician_id)
        stored = await windows.days_between(session, loctician_id, first, days[-1])
        for n in range(0, len(days), DAYS_PER_EVENT):
            chosen = days[n : n + DAYS_PER_EVENT]
            await emit_days(session, loctician_id, {day: stored.get(day, NO_HOURS) for day in chosen})
    return len(locticians)
