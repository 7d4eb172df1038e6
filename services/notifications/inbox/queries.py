"""SQL of the in-app inbox. Positions count up per person under a lock, so they are in the order of commits."""

from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import inboxes, notices
from services.notifications.rows import Row, fetch_all


async def next_positions(session: AsyncSession, user_ids: Sequence[UUID]) -> list[int]:
    """The next free position in the inbox of each person. Locks the inboxes in the order of their ids, so that two
    transactions cannot deadlock."""
    needed = Counter(user_ids)
    add = insert(inboxes).values([{"user_id": user_id, "last": needed[user_id]} for user_id in sorted(needed)])
    add = add.on_conflict_do_update(index_elements=["user_id"], set_={"last": inboxes.c.last + add.excluded.last})
    last = {row[0]: row[1] for row in await session.execute(add.returning(inboxes.c.user_id, inboxes.c.last))}
    free = {user_id: count(last[user_id] - needed[user_id] + 1) for user_id in needed}
    return [next(free[user_id]) for user_id in user_ids]


async def add_notices(session: AsyncSession, rows: Sequence[Row]) -> None:
    """A notice of the same event to the same person is not added again."""
    add = insert(notices).on_conflict_do_nothing(index_elements=["event_id", "user_id"])
    await session.execute(add, rows)


async def find_position(session: AsyncSession, user_id: UUID, message_id: UUID) -> int | None:
    positions = select(notices.c.position).where(notices.c.user_id == user_id, notices.c.id == message_id)
    position: int | None = (await session.execute(positions)).scalar_one_or_none()
    return position


async def position_before(session: AsyncSession, user_id: UUID, message_id: UUID) -> int:
    """The last position before a message that is not in this inbox, by the time in its id (UUID version 7)."""
    last = select(func.coalesce(func.max(notices.c.position), 0))
    earlier = last.where(notices.c.user_id == user_id, notices.c.id < message_id)
    position: int = (await session.execute(earlier)).scalar_one()
    return position


async def list_notices(
    session: AsyncSession, user_id: UUID, *, above: int | None, below: int | None, limit: int
) -> list[Row]:
    """Oldest first above a position, else newest first."""
    conditions: list[Any] = [notices.c.user_id == user_id]
    if above is not None:
        conditions.append(notices.c.position > above)
    if below is not None:
        conditions.append(notices.c.position < below)
    order = notices.c.position.desc() if above is None else notices.c.position
    return await fetch_all(session, select(notices).where(*conditions).order_by(order).limit(limit))


async def mark_read(session: AsyncSession, user_id: UUID, notice_id: UUID) -> Row | None:
    """Sets `read_at` if it is not set yet. None if the person has no such notice."""
    own = (notices.c.id == notice_id, notices.c.user_id == user_id)
    mark = update(notices).where(*own).values(read_at=func.coalesce(notices.c.read_at, func.now()))
    row = (await session.execute(mark.returning(notices))).mappings().one_or_none()
    return None if row is None else dict(row)
