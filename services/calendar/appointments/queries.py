"""Appointments: a projection of what booking publishes, by the newest version of each booking."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import appointments, booking_versions
from services.calendar.rows import MAX_ROWS, Rows, fetch_all, put_newest

UPCOMING = ("pending", "confirmed")
CANCELLED = "cancelled"


async def appointments_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> Rows:
    """A loctician's that overlap start..end, without cancelled ones."""
    overlapping = select(appointments).where(
        appointments.c.loctician_id == loctician_id,
        appointments.c.starts_at < end,
        appointments.c.ends_at > start,
        appointments.c.status != CANCELLED,
    )
    return await fetch_all(session, overlapping.order_by(appointments.c.starts_at).limit(MAX_ROWS))


async def appointments_of(
    session: AsyncSession, owner: str, owner_id: UUID, start: datetime, end: datetime, limit: int
) -> Rows:
    """The earliest that begin in start..end, with cancelled ones. `owner` is the name of the owner's column."""
    own = select(appointments).where(
        appointments.c[owner] == owner_id, appointments.c.starts_at >= start, appointments.c.starts_at < end
    )
    return await fetch_all(session, own.order_by(appointments.c.starts_at, appointments.c.item_id).limit(limit))


async def put_appointments(session: AsyncSession, items: list[dict[str, Any]]) -> None:
    added = upsert(appointments)
    changed = {name: added.excluded[name] for name in items[0] if name != "item_id"}
    await session.execute(added.on_conflict_do_update(index_elements=["item_id"], set_=changed), items)


async def cancel_others(
    session: AsyncSession, booking_id: UUID, item_ids: Iterable[UUID], version: int, changed_at: datetime
) -> None:
    """Cancels the booking's items that are not among `item_ids`."""
    removed = and_(
        appointments.c.booking_id == booking_id,
        appointments.c.item_id.not_in(list(item_ids)),
        appointments.c.status != CANCELLED,
    )
    values = {"status": CANCELLED, "version": version, "changed_at": changed_at}
    await session.execute(update(appointments).where(removed).values(values))


async def is_newest(session: AsyncSession, booking_id: UUID, version: int) -> bool:
    """Stores the version if it is the newest. It is kept longer than the appointments, so that an older event cannot
    bring back a deleted one."""
    values = {"changed_at": func.now()}
    return await put_newest(session, booking_versions, booking_versions.c.booking_id, booking_id, values, version)
