"""SQL of reminders: which appointments are due a check, and which reminders were sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import appointments, reminders
from services.notifications.rows import Row, fetch_all


async def lock_due_appointments(session: AsyncSession, limit: int) -> list[Row]:
    """Locks appointments that are due a check, with the database's time as `now`. Skips those locked elsewhere."""
    due = select(appointments, func.now().label("now")).where(appointments.c.next_check_at <= func.now())
    due = due.order_by(appointments.c.next_check_at).limit(limit)
    return await fetch_all(session, due.with_for_update(skip_locked=True))


async def schedule_check(session: AsyncSession, booking_id: UUID, at: datetime | None) -> None:
    """None: no further check."""
    await session.execute(update(appointments).where(appointments.c.booking_id == booking_id).values(next_check_at=at))


async def check_all_again(session: AsyncSession) -> None:
    """Makes every coming appointment due a check, because the settings may have changed since the last start."""
    upcoming = (appointments.c.active, appointments.c.starts_at > func.now())
    later = or_(appointments.c.next_check_at.is_(None), appointments.c.next_check_at > func.now())
    await session.execute(update(appointments).where(*upcoming, later).values(next_check_at=func.now()))


async def add_reminders(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Returns the ids of the reminders that did not exist yet."""
    if not rows:
        return set()
    add = insert(reminders).values(rows)
    add = add.on_conflict_do_nothing(index_elements=["booking_id", "starts_at", "hours"])
    return set((await session.execute(add.returning(reminders.c.id))).scalars())
