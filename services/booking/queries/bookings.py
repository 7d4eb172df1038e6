from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import booking_history, booking_items, bookings, occupancy
from services.booking.queries.common import Row, json_of
from shared.db import Database

BOOK = text("SELECT CAST(booking.book(CAST(:claims AS jsonb), CAST(:request AS jsonb)) AS text)")
FIND = text("SELECT CAST(b AS text) FROM booking.find_bookings(CAST(:claims AS jsonb), CAST(:filter AS jsonb)) AS b")
CANCELLED = text(
    "SELECT CAST(booking.event_data(b, :reason, NULL) AS text) AS event,"
    " CAST(booking.booking_json(b) AS text) AS booking FROM booking.bookings b WHERE b.id = :id"
).bindparams(bindparam("id", type_=Uuid), bindparam("reason", type_=Text))
REMEMBER = text("SELECT booking.remember(b, :change) FROM booking.bookings b WHERE b.id = :id").bindparams(
    bindparam("id", type_=Uuid), bindparam("change", type_=Text)
)


async def book(database: Database, claims: str, request: Row) -> Row:
    return await json_of(database, BOOK, {"claims": claims, "request": orjson.dumps(request).decode()})


async def find_bookings(database: Database, claims: str, conditions: Row) -> list[Row]:
    found = await database.call(FIND, {"claims": claims, "filter": orjson.dumps(conditions).decode()})
    return [orjson.loads(row[0]) for row in found]


async def locked_booking(session: AsyncSession, booking_id: UUID) -> Any:
    statement = select(bookings).where(bookings.c.id == booking_id).with_for_update()
    return (await session.execute(statement)).one_or_none()


async def mark_cancelled(session: AsyncSession, booking_id: UUID, reason: str | None) -> None:
    await session.execute(
        update(bookings)
        .where(bookings.c.id == booking_id)
        .values(
            status="cancelled",
            cancel_reason=reason,
            cancelled_at=func.now(),
            updated_at=func.now(),
            version=bookings.c.version + 1,
        )
    )
    items = select(booking_items.c.id).where(booking_items.c.booking_id == booking_id)
    await session.execute(update(occupancy).where(occupancy.c.item_id.in_(items)).values(active=False))
    await session.execute(update(booking_items).where(booking_items.c.booking_id == booking_id).values(active=False))
    await session.execute(REMEMBER, {"id": booking_id, "change": "cancelled"})


async def cancelled(session: AsyncSession, booking_id: UUID, reason_code: str) -> tuple[bytes, Row]:
    """The event's payload and the booking as it is now."""
    row = (await session.execute(CANCELLED, {"id": booking_id, "reason": reason_code})).one()
    return row.event, orjson.loads(row.booking)


async def history(session: AsyncSession, booking_id: UUID) -> Sequence[Any]:
    columns = booking_history.c
    statement = select(
        columns.at, columns.change, columns.status, columns.version, columns.actor_role, columns.actor_id
    )
    return (
        await session.execute(statement.where(columns.booking_id == booking_id).order_by(columns.id).limit(1000))
    ).all()
