"""SQL of deliveries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import appointments, contacts, deliveries, preferences
from services.notifications.rows import Row, fetch_all, fetch_first

UNSENT = ("queued", "sending")
CONTACT = (
    contacts.c.email,
    contacts.c.phone,
    contacts.c.full_name,
    contacts.c.email_verified,
    contacts.c.active,
    func.coalesce(preferences.c.language, contacts.c.language).label("language"),
)
APPOINTMENT = (appointments.c.starts_at.label("appointment_start"), appointments.c.active.label("appointment_active"))


async def add_deliveries(session: AsyncSession, rows: Sequence[Row]) -> None:
    """A delivery of the same event to the same person through the same channel is not added again."""
    add = insert(deliveries).on_conflict_do_nothing(index_elements=["event_id", "recipient_id", "channel"])
    await session.execute(add, rows)


async def lock_series_delivery(session: AsyncSession, row: Row, series_id: str, kinds: Sequence[str]) -> Row | None:
    """The delivery about this series, to the same person through the same channel, that nobody has tried to send."""
    same = [deliveries.c[name] == row[name] for name in ("recipient_id", "channel", "part")]
    waiting = select(deliveries).where(
        *same,
        deliveries.c.kind.in_(kinds),
        deliveries.c.status == "queued",
        deliveries.c.attempts == 0,
        deliveries.c.data["series_id"].astext == series_id,
    )
    return await fetch_first(session, waiting.order_by(deliveries.c.id.desc()).limit(1).with_for_update())


async def make_due(session: AsyncSession, recipient_id: UUID) -> None:
    """Makes deliveries due that waited for this recipient's contact."""
    waiting = (deliveries.c.recipient_id == recipient_id, deliveries.c.status == "queued")
    await session.execute(
        update(deliveries).where(*waiting, deliveries.c.error == "no_contact").values(due_at=func.now())
    )


async def lock_due(session: AsyncSession, channel: str, limit: int) -> list[Row]:
    """Locks deliveries that are due, with the recipient's contact and the database's time as `now`.

    Skips those locked elsewhere. Those about one booking go in the order of its versions: a delivery waits while an
    older one to the same person is unsent.
    """
    older = deliveries.alias()
    blocked = exists().where(
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
    due = (
        select(deliveries, *CONTACT, *APPOINTMENT, func.now().label("now"))
        .outerjoin(contacts, contacts.c.user_id == deliveries.c.recipient_id)
        .outerjoin(preferences, preferences.c.user_id == deliveries.c.recipient_id)
        .outerjoin(appointments, appointments.c.booking_id == deliveries.c.booking_id)
        .where(deliveries.c.channel == channel, ready, ~blocked)
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    return await fetch_all(session, due)


async def find_backlog(session: AsyncSession) -> dict[str, tuple[int, float]]:
    """By channel: how many deliveries are due, and for how many seconds the oldest has been."""
    age = func.extract("epoch", func.now() - func.min(deliveries.c.due_at))
    due = select(deliveries.c.channel, func.count(), age)
    due = due.where(deliveries.c.status == "queued", deliveries.c.due_at <= func.now())
    return {row[0]: (row[1], float(row[2])) for row in await session.execute(due.group_by(deliveries.c.channel))}


async def update_delivery(session: AsyncSession, row: Row, **values: Any) -> Row | None:
    """Returns the changed delivery; None if another worker has changed it since `row` was read."""
    same = (deliveries.c.id == row["id"], deliveries.c.version == row["version"])
    changes = update(deliveries).where(*same).values(version=row["version"] + 1, **values).returning(deliveries)
    changed = (await session.execute(changes)).mappings().one_or_none()
    return None if changed is None else {**row, **changed}


async def list_deliveries(
    session: AsyncSession, conditions: Mapping[str, Any], before: UUID | None, limit: int
) -> list[Row]:
    """Newest first; a condition that is None is left out."""
    wanted = [
        deliveries.c[name].in_(value) if isinstance(value, list) else deliveries.c[name] == value
        for name, value in conditions.items()
        if value is not None
    ]
    if before is not None:
        wanted.append(deliveries.c.id < before)
    return await fetch_all(session, select(deliveries).where(*wanted).order_by(deliveries.c.id.desc()).limit(limit))


async def lock_delivery(session: AsyncSession, delivery_id: UUID) -> Row | None:
    """With the database's time as `now`."""
    delivery = select(deliveries, func.now().label("now")).where(deliveries.c.id == delivery_id)
    return await fetch_first(session, delivery.with_for_update())


async def database_time(session: AsyncSession) -> datetime:
    """The time that all workers share."""
    now: datetime = (await session.execute(select(func.now()))).scalar_one()
    return now
