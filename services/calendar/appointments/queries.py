"""What other services tell: appointments, and the names and languages that feeds are written with."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import appointments, booking_versions
from services.calendar.rows import MOST, Rows, rows

UPCOMING = ("pending", "confirmed")
CANCELLED = "cancelled"


async def appointments_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> Rows:
    """Those that stand; not the cancelled ones."""
    found = select(appointments).where(
        appointments.c.loctician_id == loctician_id,
        appointments.c.starts_at < end,
        appointments.c.ends_at > start,
        appointments.c.status != CANCELLED,
    )
    return await rows(session, found.order_by(appointments.c.starts_at).limit(MOST))


async def appointments_of(
    session: AsyncSession, owner: str, owner_id: UUID, start: datetime, end: datetime, limit: int
) -> Rows:
    """The earliest that begin in start..end, cancelled ones too; `owner` names the column the owner stands in."""
    found = select(appointments).where(
        appointments.c[owner] == owner_id, appointments.c.starts_at >= start, appointments.c.starts_at < end
    )
    return await rows(session, found.order_by(appointments.c.starts_at, appointments.c.item_id).limit(limit))


async def put_appointments(session: AsyncSession, items: list[dict[str, Any]]) -> None:
    added = upsert(appointments)
    changed = {name: added.excluded[name] for name in items[0] if name != "item_id"}
    await session.execute(added.on_conflict_do_update(index_elements=["item_id"], set_=changed), items)


async def cancel_others(
    session: AsyncSession, booking_id: UUID, kept: Iterable[UUID], version: int, changed_at: datetime
) -> None:
    """A booking's items that it no longer has."""
    gone = and_(
        appointments.c.booking_id == booking_id,
        appointments.c.item_id.not_in(list(kept)),
        appointments.c.status != CANCELLED,
    )
    values = {"status": CANCELLED, "version": version, "changed_at": changed_at}
    await session.execute(update(appointments).where(gone).values(values))


async def is_newest(session: AsyncSession, booking_id: UUID, version: int) -> bool:
    """The version outlives the appointments, so that an older event cannot bring back one that is gone."""
    values = {"changed_at": func.now()}
    return await put_newest(session, booking_versions, booking_versions.c.booking_id, booking_id, values, version)


async def put_newest(
    session: AsyncSession, table: Table, key: Column[UUID], id_: UUID, values: Mapping[str, Any], version: int
) -> bool:
    """Whether this version is the newest so far, and therefore written."""
    added = upsert(table).values({key.name: id_, **values, "version": version})
    newer = added.on_conflict_do_update(
        index_elements=[key], set_={**values, "version": version}, where=table.c.version < version
    )
    return (await session.execute(newer.returning(key))).first() is not None
