"""The in-app inbox. Positions are a person's own count, given under a lock: they are in the order of commits."""

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
    """The next place in each of these inboxes, which stay locked; they are locked in one order, so that two
    transactions cannot wait for each other."""
    wanted = Counter(user_ids)
    add = insert(inboxes).values([{"user_id": one, "last": wanted[one]} for one in sorted(wanted)])
    add = add.on_conflict_do_update(index_elements=["user_id"], set_={"last": inboxes.c.last + add.excluded.last})
    last = {row[0]: row[1] for row in await session.execute(add.returning(inboxes.c.user_id, inboxes.c.last))}
    free = {one: count(last[one] - wanted[one] + 1) for one in wanted}
    return [next(free[one]) for one in user_ids]


async def add_notices(session: AsyncSession, rows: Sequence[Row]) -> None:
    add = insert(notices).on_conflict_do_nothing(index_elements=["event_id", "user_id"])
    await session.execute(add, rows)


async def position_of(session: AsyncSession, user_id: UUID, message_id: UUID) -> int | None:
    place = select(notices.c.position).where(notices.c.user_id == user_id, notices.c.id == message_id)
    position: int | None = (await session.execute(place)).scalar_one_or_none()
    return position


async def position_before(session: AsyncSession, user_id: UUID, message_id: UUID) -> int:
    """The last place taken before a message that does not stand in this inbox, by the time in its id."""
    place = select(func.coalesce(func.max(notices.c.position), 0))
    earlier = place.where(notices.c.user_id == user_id, notices.c.id < message_id)
    position: int = (await session.execute(earlier)).scalar_one()
    return position


async def list_notices(
    session: AsyncSession, user_id: UUID, *, above: int | None, below: int | None, limit: int
) -> list[Row]:
    """Above a position the oldest first, else the newest first."""
    wanted: list[Any] = [notices.c.user_id == user_id]
    if above is not None:
        wanted.append(notices.c.position > above)
    if below is not None:
        wanted.append(notices.c.position < below)
    order = notices.c.position.desc() if above is None else notices.c.position
    return await fetch_all(session, select(notices).where(*wanted).order_by(order).limit(limit))


async def mark_read(session: AsyncSession, user_id: UUID, notice_id: UUID) -> Row | None:
    own = (notices.c.id == notice_id, notices.c.user_id == user_id)
    marked = update(notices).where(*own).values(read_at=func.coalesce(notices.c.read_at, func.now()))
    row = (await session.execute(marked.returning(notices))).mappings().one_or_none()
    return None if row is None else dict(row)
