"""Windows as they were last published, and the versions they were published under."""

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
    """One change of a loctician's hours at a time, so that versions follow what was published."""
    await session.execute(LOCK, {"key": f"calendar hours {loctician_id}"})


async def days_between(session: AsyncSession, loctician_id: UUID, first: date, last: date) -> dict[date, OpenDay]:
    """From first to last, both included."""
    found = select(windows.c.day, windows.c.windows, windows.c.closed_for).where(
        windows.c.loctician_id == loctician_id, windows.c.day.between(first, last)
    )
    return {
        day: OpenDay([(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in stored], closed_for)
        for day, stored, closed_for in await session.execute(found)
    }


async def put_days(session: AsyncSession, loctician_id: UUID, days: Mapping[date, OpenDay]) -> None:
    if not days:
        return
    adding = upsert(windows)
    replacing = adding.on_conflict_do_update(
        index_elements=["loctician_id", "day"],
        set_={"windows": adding.excluded.windows, "closed_for": adding.excluded.closed_for},
    )
    values = [
        {
            "loctician_id": loctician_id,
            "day": day,
            "windows": [[a.isoformat(), b.isoformat()] for a, b in found.windows],
            "closed_for": found.closed_for,
        }
        for day, found in days.items()
    ]
    await session.execute(replacing, values)


async def next_version(session: AsyncSession, loctician_id: UUID) -> int:
    first = upsert(loctician_versions).values(loctician_id=loctician_id, version=1)
    counting = first.on_conflict_do_update(
        index_elements=["loctician_id"], set_={"version": loctician_versions.c.version + 1}
    )
    version: int = (await session.execute(counting.returning(loctician_versions.c.version))).scalar_one()
    return version


async def published_until(session: AsyncSession, loctician_id: UUID, last: date) -> None:
    added = upsert(loctician_versions).values(loctician_id=loctician_id, published_until=last)
    await session.execute(added.on_conflict_do_update(index_elements=["loctician_id"], set_={"published_until": last}))


async def published_short_of(session: AsyncSession, last: date, limit: int) -> Sequence[UUID]:
    """Locticians whose published days end before `last`."""
    until = loctician_versions.c.published_until
    found = select(loctician_versions.c.loctician_id).where(or_(until.is_(None), until < last))
    return (await session.execute(found.order_by(loctician_versions.c.loctician_id).limit(limit))).scalars().all()


async def known(session: AsyncSession, loctician_id: UUID) -> bool:
    found = select(loctician_versions.c.loctician_id).where(loctician_versions.c.loctician_id == loctician_id)
    return (await session.execute(found)).first() is not None
