"""What calendar publishes again: the open windows of every loctician, for `loctician republish` and `loctician restore
republish`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.hours.expansion import NO_HOURS
from services.calendar.local_time import today
from services.calendar.models import loctician_versions
from services.calendar.windows import queries
from services.calendar.windows.service import DAY, DAYS_PER_EVENT, HORIZON, windows_changed
from shared.messaging.events import Event

MOST_LOCTICIANS = 10  # of a page: each is several events of 120 days


async def read_windows(
    session: AsyncSession, after: str | None, limit: int, since: datetime | None
) -> Sequence[tuple[str, list[Event]]]:
    """The next locticians by id, with yesterday and every day of the horizon, whatever `since`.

    The events have the version of the loctician's last event; each day stands in one of them.
    """
    statement = select(loctician_versions.c.loctician_id).where(loctician_versions.c.version > 0)
    if after is not None:
        statement = statement.where(loctician_versions.c.loctician_id > UUID(after))
    ids = await session.scalars(
        statement.order_by(loctician_versions.c.loctician_id).limit(min(limit, MOST_LOCTICIANS))
    )
    return [(str(loctician_id), await _events(session, loctician_id)) for loctician_id in ids]


async def _events(session: AsyncSession, loctician_id: UUID) -> list[Event]:
    await queries.lock(session, loctician_id)
    first = today() - DAY  # its opening can run past midnight
    days = [first + n * DAY for n in range(HORIZON.days + 1)]
    stored = await queries.days_between(session, loctician_id, first, days[-1])
    version = await queries.version(session, loctician_id)
    batches = [days[n : n + DAYS_PER_EVENT] for n in range(0, len(days), DAYS_PER_EVENT)]
    return [
        windows_changed(loctician_id, version, {day: stored.get(day, NO_HOURS) for day in batch}) for batch in batches
    ]


SOURCES = {"windows": read_windows}
