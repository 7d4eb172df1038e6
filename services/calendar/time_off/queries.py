"""Time off: list, count, add and remove."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import time_off
from services.calendar.rows import MAX_ROWS, Row, Rows, fetch_all, fetch_first

SHOWN_AFTERWARDS = timedelta(days=365)  # for so long after its end, time off is listed and counts towards the limit


async def time_off_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> Rows:
    """Those that overlap start..end."""
    overlapping = select(time_off).where(
        time_off.c.loctician_id == loctician_id, time_off.c.starts_at < end, time_off.c.ends_at > start
    )
    return await fetch_all(session, overlapping.order_by(time_off.c.starts_at).limit(MAX_ROWS))


async def count_time_off(session: AsyncSession, loctician_id: UUID) -> int:
    count = select(func.count()).where(
        time_off.c.loctician_id == loctician_id, time_off.c.ends_at > func.now() - SHOWN_AFTERWARDS
    )
    return int((await session.execute(count)).scalar_one())


async def add(session: AsyncSession, values: dict[str, Any]) -> None:
    await session.execute(insert(time_off).values(values))


async def remove(session: AsyncSession, loctician_id: UUID, time_off_id: UUID) -> Row | None:
    """The row that was removed; None if there was none."""
    own = (time_off.c.id == time_off_id) & (time_off.c.loctician_id == loctician_id)
    return await fetch_first(session, delete(time_off).where(own).returning(time_off))
