"""Deliveries: claimed, changed, listed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import appointments, contacts, deliveries, preferences
from services.notifications.rows import Row, fetch_all

UNSENT = ("queued", "sending")
CONTACT = (
    contacts.c.email,
    contacts.c.phone,
    contacts.c.full_name,
    contacts.c.active,
    func.coalesce(preferences.c.language, contacts.c.language).label("language"),
)
APPOINTMENT = (appointments.c.starts_at.label("appointment_start"), appointments.c.active.label("appointment_active"))


async def add_deliveries(session: AsyncSession, rows: Sequence[Row]) -> None:
    add = insert(deliveries).on_conflict_do_nothing(index_elements=["event_id", "recipient_id", "channel"])
    await session.execute(add, rows)


async def make_due(session: AsyncSession, recipient_id: UUID) -> None:
    """What waited for this contact is due now."""
    waiting = (deliveries.c.recipient_id == recipient_id, deliveries.c.status == "queued")
    await session.execute(
        update(deliveries).where(*waiting, deliveries.c.error == "no_contact").values(due_at=func.now())
    )


async def due(session: AsyncSession, channel: str, limit: int) -> list[Row]:
    """Locked, with the recipient's contact and the database's time. Those of one booking go in the order of its
    versions, so one waits while an older one is unsent."""
    older = deliveries.alias()
    behind = exists().where(
        older.c.booking_id == deliveries.c.booking_id,
        older.c.recipient_id == deliveries.c.recipient_id,
        older.c.channel == deliveries.c.channel,
        older.c.booking_version < deliveries.c.booking_version,
        older.c.status.in_(UNSENT),
    )
    ready = or_(
        and_(deliveries.c.status == "queued", deliveries.c.due_at <= func.now()),
        and_(deliveries.c.status == "sending", deliveries.c.lease_until <= func.now()),
    )
    claimed = (
        select(deliveries, *CONTACT, *APPOINTMENT, func.now().label("now"))
        .outerjoin(contacts, contacts.c.user_id == deliveries.c.recipient_id)
        .outerjoin(preferences, preferences.c.user_id == deliveries.c.recipient_id)
        .outerjoin(appointments, appointments.c.booking_id == deliveries.c.booking_id)
        .where(deliveries.c.channel == channel, ready, ~behind)
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    return await fetch_all(session, claimed)


async def backlog(session: AsyncSession) -> dict[str, tuple[int, float]]:
    """By channel: how many are due, and for how many seconds the oldest has been."""
    age = func.extract("epoch", func.now() - func.min(deliveries.c.due_at))
    due_now = select(deliveries.c.channel, func.count(), age)
    due_now = due_now.where(deliveries.c.status == "queued", deliveries.c.due_at <= func.now())
    return {row[0]: (row[1], float(row[2])) for row in await session.execute(due_now.group_by(deliveries.c.channel))}


async def change(session: AsyncSession, row: Row, **values: Any) -> Row | None:
    """The delivery as changed; None if another worker has taken it since `row` was read."""
    same = (deliveries.c.id == row["id"], deliveries.c.version == row["version"])
    changed = update(deliveries).where(*same).values(version=row["version"] + 1, **values).returning(deliveries)
    now = (await session.execute(changed)).mappings().one_or_none()
    return None if now is None else {**row, **now}


async def list_deliveries(
    session: AsyncSession, conditions: Mapping[str, Any], before: UUID | None, limit: int
) -> list[Row]:
    """Newest first; a condition that is None does not count."""
    wanted = [deliveries.c[name] == value for name, value in conditions.items() if value is not None]
    if before is not None:
        wanted.append(deliveries.c.id < before)
    return await fetch_all(session, select(deliveries).where(*wanted).order_by(deliveries.c.id.desc()).limit(limit))


async def lock_delivery(session: AsyncSession, delivery_id: UUID) -> Row | None:
    one = select(deliveries, func.now().label("now")).where(deliveries.c.id == delivery_id)
    rows = await fetch_all(session, one.with_for_update())
    return rows[0] if rows else None


async def now(session: AsyncSession) -> datetime:
    """The database's time, which all workers share."""
    found_now: datetime = (await session.execute(select(func.now()))).scalar_one()
    return found_now
