from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import time_off
from services.calendar.rows import MOST, Row, Rows, first, rows

KEPT = timedelta(days=365)  # how long time off that is over is listed and counted


async def time_off_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> Rows:
    overlapping = select(time_off).where(
        time_off.c.loctician_id == loctician_id, time_off.c.starts_at < end, time_off.c.ends_at > start
    )
    return await rows(session, overlapping.order_by(time_off.c.starts_at).limit(MOST))


async def count_time_off(session: AsyncSession, loctician_id: UUID) -> int:
    counted = select(func.count()).where(
        time_off.c.loctician_id == loctician_id, time_off.c.ends_at > func.now() - KEPT
    )
    return int((await session.execute(counted)).scalar_one())


async def add_time_off(session: AsyncSession, added: dict[str, Any]) -> None:
    await session.execute(insert(time_off).values(added))


async def remove_time_off(session: AsyncSession, loctician_id: UUID, time_off_id: UUID) -> Row | None:
    mine = (time_off.c.id == time_off_id) & (time_off.c.loctician_id == loctician_id)
    return await first(session, delete(time_off).where(mine).returning(time_off))
