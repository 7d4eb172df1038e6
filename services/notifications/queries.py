"""The SQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import (
    booking_versions,
    contacts,
    deliveries,
    loctician_names,
    notices,
    treatment_names,
)

Row = Mapping[str, Any]
UNSENT = ("queued", "sending")
CONTACT = (contacts.c.email, contacts.c.full_name, contacts.c.language, contacts.c.active)


async def put_contact(session: AsyncSession, person: Row, version: int) -> None:
    await _put(session, contacts, "user_id", dict(person), contacts.c.version, version)


async def put_role(session: AsyncSession, user_id: UUID, role: str, version: int) -> None:
    await _put(session, contacts, "user_id", {"user_id": user_id, "role": role}, contacts.c.role_version, version)


async def deactivate(session: AsyncSession, user_id: UUID) -> None:
    gone = insert(contacts).values(user_id=user_id, active=False)
    await session.execute(gone.on_conflict_do_update(index_elements=["user_id"], set_={"active": False}))


async def name_treatment(session: AsyncSession, treatment_id: UUID, names: dict[str, str], version: int) -> None:
    values = {"treatment_id": treatment_id, "names": names}
    await _put(session, treatment_names, "treatment_id", values, treatment_names.c.version, version)


async def name_loctician(session: AsyncSession, loctician_id: UUID, name: str, version: int) -> None:
    values = {"loctician_id": loctician_id, "display_name": name}
    await _put(session, loctician_names, "loctician_id", values, loctician_names.c.version, version)


async def is_newest(session: AsyncSession, booking_id: UUID, version: int) -> bool:
    return await _put(
        session, booking_versions, "booking_id", {"booking_id": booking_id}, booking_versions.c.version, version
    )


async def _put(
    session: AsyncSession, table: Table, key: str, values: dict[str, Any], column: ColumnElement[int], version: int
) -> bool:
    """Insert, or update what is older. Tells whether `values` were news."""
    values = values | {str(column.key): version}
    changed = {name: value for name, value in values.items() if name != key}
    put = insert(table).values(values)
    put = put.on_conflict_do_update(index_elements=[key], set_=changed, where=column < version)
    return (await session.execute(put.returning(table.c[key]))).first() is not None


async def add_deliveries(session: AsyncSession, rows: Sequence[Row]) -> None:
    add = insert(deliveries).on_conflict_do_nothing(index_elements=["event_id", "recipient_id", "channel"])
    await session.execute(add, rows)


async def add_notices(session: AsyncSession, rows: Sequence[Row]) -> None:
    add = insert(notices).on_conflict_do_nothing(index_elements=["event_id", "user_id"])
    await session.execute(add, rows)


async def hasten(session: AsyncSession, recipient_id: UUID) -> None:
    """What waited for this contact is due now."""
    waiting = (deliveries.c.recipient_id == recipient_id, deliveries.c.status == "queued")
    await session.execute(
        update(deliveries).where(*waiting, deliveries.c.error == "no_contact").values(due_at=func.now())
    )


async def due(session: AsyncSession, limit: int) -> list[Row]:
    """Locked, with the recipient's contact and the database's time. Mails of one booking go in the order of its
    versions, so one waits while an older one is unsent."""
    older = deliveries.alias()
    behind = exists().where(
        older.c.booking_id == deliveries.c.booking_id,
        older.c.recipient_id == deliveries.c.recipient_id,
        older.c.booking_version < deliveries.c.booking_version,
        older.c.status.in_(UNSENT),
    )
    ready = or_(
        and_(deliveries.c.status == "queued", deliveries.c.due_at <= func.now()),
        and_(deliveries.c.status == "sending", deliveries.c.lease_until <= func.now()),
    )
    found = (
        select(deliveries, *CONTACT, func.now().label("now"))
        .outerjoin(contacts, contacts.c.user_id == deliveries.c.recipient_id)
        .where(ready, ~behind)
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    return [dict(row) for row in (await session.execute(found)).mappings()]


async def change(session: AsyncSession, row: Row, **values: Any) -> Row | None:
    """The delivery as changed; None if another worker has taken it since `row` was read."""
    same = (deliveries.c.id == row["id"], deliveries.c.version == row["version"])
    changed = update(deliveries).where(*same).values(version=row["version"] + 1, **values).returning(deliveries)
    found = (await session.execute(changed)).mappings().one_or_none()
    return None if found is None else {**row, **found}


async def treatments_called(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    found = select(treatment_names.c.treatment_id, treatment_names.c.names)
    return {row[0]: row[1] for row in await session.execute(found.where(treatment_names.c.treatment_id.in_(ids)))}


async def locticians_called(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    found = select(loctician_names.c.loctician_id, loctician_names.c.display_name)
    return {row[0]: row[1] for row in await session.execute(found.where(loctician_names.c.loctician_id.in_(ids)))}


async def customers_called(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    found = select(contacts.c.user_id, contacts.c.full_name).where(contacts.c.full_name.is_not(None))
    return {row[0]: row[1] for row in await session.execute(found.where(contacts.c.user_id.in_(ids)))}


async def deliveries_page(
    session: AsyncSession, conditions: Mapping[str, Any], before: UUID | None, limit: int
) -> list[Row]:
    """Newest first; a condition that is None does not count."""
    wanted = [deliveries.c[name] == value for name, value in conditions.items() if value is not None]
    if before is not None:
        wanted.append(deliveries.c.id < before)
    found = select(deliveries).where(*wanted).order_by(deliveries.c.id.desc()).limit(limit)
    return [dict(row) for row in (await session.execute(found)).mappings()]


async def locked_delivery(session: AsyncSession, delivery_id: UUID) -> Row | None:
    found = select(deliveries, func.now().label("now")).where(deliveries.c.id == delivery_id).with_for_update()
    row = (await session.execute(found)).mappings().one_or_none()
    return None if row is None else dict(row)


async def notices_page(
    session: AsyncSession, user_id: UUID, after: UUID | None, before: UUID | None, limit: int
) -> list[Row]:
    """Newest first."""
    wanted = [notices.c.user_id == user_id]
    if after is not None:
        wanted.append(notices.c.id > after)
    if before is not None:
        wanted.append(notices.c.id < before)
    found = select(notices).where(*wanted).order_by(notices.c.id.desc()).limit(limit)
    return [dict(row) for row in (await session.execute(found)).mappings()]


async def mark_read(session: AsyncSession, user_id: UUID, notice_id: UUID) -> Row | None:
    own = (notices.c.id == notice_id, notices.c.user_id == user_id)
    marked = update(notices).where(*own).values(read_at=func.coalesce(notices.c.read_at, func.now()))
    found = (await session.execute(marked.returning(notices))).mappings().one_or_none()
    return None if found is None else dict(found)


async def now(session: AsyncSession) -> datetime:
    """The database's time, which all workers share."""
    found: datetime = (await session.execute(select(func.now()))).scalar_one()
    return found
