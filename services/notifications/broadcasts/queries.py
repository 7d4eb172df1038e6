"""SQL of broadcasts and their progress."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import broadcasts
from services.notifications.rows import Row, fetch_first


async def add_broadcast(session: AsyncSession, row: Row) -> Row:
    return dict((await session.execute(insert(broadcasts).values(**row).returning(broadcasts))).mappings().one())


async def find_broadcast(session: AsyncSession, broadcast_id: UUID) -> Row | None:
    return await fetch_first(session, select(broadcasts).where(broadcasts.c.id == broadcast_id))


async def lock_unfinished(session: AsyncSession) -> Row | None:
    """Locks the oldest unfinished broadcast. None if there is none, or another worker has locked it."""
    oldest = select(broadcasts).where(broadcasts.c.done_at.is_(None)).order_by(broadcasts.c.id).limit(1)
    return await fetch_first(session, oldest.with_for_update(skip_locked=True))


async def record_progress(
    session: AsyncSession, broadcast_id: UUID, last_user_id: UUID | None, count: int, *, done: bool
) -> None:
    """Adds `count` to the people reached; `last_user_id` is the last of this batch."""
    values: dict[str, Any] = {"recipient_count": broadcasts.c.recipient_count + count, "last_user_id": last_user_id}
    if done:
        values |= {"done_at": func.now(), "last_user_id": None}
    await session.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(**values))


async def find_texts(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, dict[str, dict[str, str]]]:
    """Title and body of each broadcast, by language."""
    texts = select(broadcasts.c.id, broadcasts.c.title, broadcasts.c.body).where(broadcasts.c.id.in_(ids))
    return {row[0]: {"title": row[1], "body": row[2]} for row in await session.execute(texts)}
