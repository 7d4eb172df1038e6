"""Weekly hours with their version, and overrides."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.hours.expansion import Hours
from services.calendar.models import loctician_versions, overrides, working_hours
from services.calendar.rows import MAX_ROWS, Rows, fetch_all
from shared.messaging.events import new_id


async def hours_of(session: AsyncSession, loctician_id: UUID) -> Rows:
    columns = [working_hours.c[name] for name in ("weekday", "starts", "ends", "valid_from", "valid_to")]
    own = select(*columns).where(working_hours.c.loctician_id == loctician_id)
    return await fetch_all(session, own.order_by("weekday", "starts", "valid_from").limit(MAX_ROWS))


async def replace_hours(session: AsyncSession, loctician_id: UUID, weekly: Sequence[Hours]) -> None:
    await session.execute(delete(working_hours).where(working_hours.c.loctician_id == loctician_id))
    if weekly:
        values = [vars(hours) | {"id": new_id(), "loctician_id": loctician_id} for hours in weekly]
        await session.execute(insert(working_hours), values)


async def hours_version(session: AsyncSession, loctician_id: UUID) -> int:
    """0 while no hours were ever set."""
    version = select(loctician_versions.c.hours_version).where(loctician_versions.c.loctician_id == loctician_id)
    return (await session.execute(version)).scalar() or 0


async def increment_hours_version(session: AsyncSession, loctician_id: UUID) -> None:
    added = upsert(loctician_versions).values(loctician_id=loctician_id, hours_version=1)
    incremented = {"hours_version": loctician_versions.c.hours_version + 1}
    await session.execute(added.on_conflict_do_update(index_elements=["loctician_id"], set_=incremented))


async def overrides_between(session: AsyncSession, loctician_id: UUID, start: date, end: date) -> Rows:
    """From `start` to `end`, both included."""
    within = select(overrides).where(overrides.c.loctician_id == loctician_id, overrides.c.day.between(start, end))
    return await fetch_all(session, within.order_by(overrides.c.day).limit(MAX_ROWS))


async def put_override(
    session: AsyncSession, loctician_id: UUID, day: date, windows: list[list[str]], reason: str | None
) -> None:
    values = {"windows": windows, "reason": reason}
    added = upsert(overrides).values(loctician_id=loctician_id, day=day, **values)
    await session.execute(added.on_conflict_do_update(index_elements=["loctician_id", "day"], set_=values))


async def remove_override(session: AsyncSession, loctician_id: UUID, day: date) -> None:
    own = (overrides.c.loctician_id == loctician_id) & (overrides.c.day == day)
    await session.execute(delete(overrides).where(own))
