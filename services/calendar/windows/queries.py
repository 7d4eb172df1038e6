"""Open windows as last published, and the versions of the events that published them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.hours.expansion import OpenDay
from services.calendar.models import loctician_versions, windows

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


async def lock(session: AsyncSession, loctician_id: UUID) -> None:
    """Holds a loctician's hours until the commit, so that versions ascend in the order in which windows change."""
    await session.execute(LOCK, {"key": f"calendar hours {loctician_id}"})


async def days_between(session: AsyncSession, loctician_id: UUID, first: date, last: date) -> dict[date, OpenDay]:
    """From `first` to `last`, both included."""
    stored = select(windows.c.day, windows.c.windows, windows.c.closed_for).where(
        windows.c.loctician_id == loctician_id, windows.c.day.between(first, last)
    )
    return {
        day: OpenDay([(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in pairs], closed_for)
        for day, pairs, closed_for in await session.execute(stored)
    }


async def put_days(session: AsyncSession, loctician_id: UUID, days: Mapping[date, OpenDay]) -> None:
    if not days:
        return
    added = upsert(windows)
    replaced = added.on_conflict_do_update(
        index_elements=["loctician_id", "day"],
        set_={"windows": added.excluded.windows, "closed_for": added.excluded.closed_for},
    )
    values = [
        {
            "loctician_id": loctician_id,
            "day": day,
            "windows": [[start.isoformat(), end.isoformat()] for start, end in open_day.windows],
            "closed_for": open_day.closed_for,
        }
        for day, open_day in days.items()
    ]
    await session.execute(replaced, values)


async def next_version(session: AsyncSession, loctician_id: UUID) -> int:
    first = upsert(loctician_versions).values(loctician_id=loctician_id, version=1)
    incremented = first.on_conflict_do_update(
        index_elements=["loctician_id"], set_={"version": loctician_versions.c.version + 1}
    )
    version: int = (await session.execute(incremented.returning(loctician_versions.c.version))).scalar_one()
    return version


async def version(session: AsyncSession, loctician_id: UUID) -> int:
    """Of the loctician's last event."""
    last = select(loctician_versions.c.version).where(loctician_versions.c.loctician_id == loctician_id)
    return int((await session.execute(last)).scalar_one())


async def set_published_until(session: AsyncSession, loctician_id: UUID, last: date) -> None:
    added = upsert(loctician_versions).values(loctician_id=loctician_id, published_until=last)
    await session.execute(added.on_conflict_do_update(index_elements=["loctician_id"], set_={"published_until": last}))


async def locticians_published_before(session: AsyncSession, last: date, limit: int) -> Sequence[UUID]:
    """Locticians whose published days end before `last`."""
    until = loctician_versions.c.published_until
    behind = select(loctician_versions.c.loctician_id).where(or_(until.is_(None), until < last))
    return (await session.execute(behind.order_by(loctician_versions.c.loctician_id).limit(limit))).scalars().all()


async def has_versions(session: AsyncSession, loctician_id: UUID) -> bool:
    """Whether hours or windows of this person were ever stored."""
    own = select(loctician_versions.c.loctician_id).where(loctician_versions.c.loctician_id == loctician_id)
    return (await session.execute(own)).first() is not None
