"""Appointments as far as telling of them needs: the newest version told of, and when to look for reminders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import appointments, reminders
from services.notifications.queries.rows import Row, found


async def put_appointment(session: AsyncSession, row: Row) -> Row | None:
    """The facts known before, empty for a new one; None when a newer version is known. A time that is new, or was
    given up in between, is known from now on."""
    before = select(appointments.c.facts).where(appointments.c.booking_id == row["booking_id"]).cte("before")
    put = insert(appointments).values(**row)
    new = put.excluded
    unchanged = and_(
        appointments.c.starts_at == new.starts_at, appointments.c.customer_id == new.customer_id, appointments.c.active
    )
    put = put.on_conflict_do_update(
        index_elements=["booking_id"],
        set_={name: new[name] for name in row if name not in {"booking_id", "known_at"}}
        | {"known_at": case((unchanged, appointments.c.known_at), else_=new.known_at), "look_at": func.now()},
        where=appointments.c.version < new.version,
    )
    known = select(before.c.facts).scalar_subquery().label("known")
    put_back = (await session.execute(put.returning(appointments.c.booking_id, known))).first()
    return None if put_back is None else put_back.known or {}


async def to_look_at(session: AsyncSession, limit: int) -> list[Row]:
    """Locked, with the database's time; those that another worker has are left out."""
    due = select(appointments, func.now().label("now")).where(appointments.c.look_at <= func.now())
    return await found(session, due.order_by(appointments.c.look_at).limit(limit).with_for_update(skip_locked=True))


async def look_again(session: AsyncSession, booking_id: UUID, when: datetime | None) -> None:
    await session.execute(update(appointments).where(appointments.c.booking_id == booking_id).values(look_at=when))


async def look_at_all(session: AsyncSession) -> None:
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
