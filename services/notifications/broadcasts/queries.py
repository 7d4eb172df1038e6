"""Broadcasts, and how far each has come."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import broadcasts
from services.notifications.rows import Row, fetch_all


async def add_broadcast(session: AsyncSession, row: Row) -> Row:
    return dict((await session.execute(insert(broadcasts).values(**row).returning(broadcasts))).mappings().one())


async def broadcast(session: AsyncSession, broadcast_id: UUID) -> Row | None:
    rows = await fetch_all(session, select(broadcasts).where(broadcasts.c.id == broadcast_id))
    return rows[0] if rows else None


async def lock_unfinished(session: AsyncSession) -> Row | None:
    """The oldest that is not done, locked; none while another worker is at it."""
    oldest = select(broadcasts).where(broadcasts.c.done_at.is_(None)).order_by(broadcasts.c.id).limit(1)
    rows = await fetch_all(session, oldest.with_for_update(skip_locked=True))
    return rows[0] if rows else None


async def record_progress(
    session: AsyncSession, broadcast_id: UUID, last: UUID | None, told: int, *, done: bool
) -> None:
    values: dict[str, Any] = {"told": broadcasts.c.told + told, "last_user": last}
    if done:
        values |= {"done_at": func.now(), "last_user": None}
    await session.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(**values))


async def broadcast_texts(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, dict[str, dict[str, str]]]:
    said = select(broadcasts.c.id, broadcasts.c.title, broadcasts.c.body).where(broadcasts.c.id.in_(ids))
    return {row[0]: {"title": row[1], "body": row[2]} for row in await session.execute(said)}
