"""SQL of reminders: which appointments are due a look, and which reminders were sent."""

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
    """Locked, with the database's time; those that another worker has are left out."""
    due = select(appointments, func.now().label("now")).where(appointments.c.look_at <= func.now())
    return await fetch_all(session, due.order_by(appointments.c.look_at).limit(limit).with_for_update(skip_locked=True))


async def schedule_check(session: AsyncSession, booking_id: UUID, when: datetime | None) -> None:
    await session.execute(update(appointments).where(appointments.c.booking_id == booking_id).values(look_at=when))


async def check_all_again(session: AsyncSession) -> None:
    """After a start the settings may be others."""
    upcoming = (appointments.c.active, appointments.c.starts_at > func.now())
    later = or_(appointments.c.look_at.is_(None), appointments.c.look_at > func.now())
    await session.execute(update(appointments).where(*upcoming, later).values(look_at=func.now()))


async def add_reminders(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Ids of those that were not there yet."""
    if not rows:
        return set()
    add = insert(reminders).values(rows)
    add = add.on_conflict_do_nothing(index_elements=["booking_id", "starts_at", "hours"])
    return set((await session.execute(add.returning(reminders.c.id))).scalars())
