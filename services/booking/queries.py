"""The SQL. Hot paths are one function in migrations/sql and one round trip each."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    DateTime,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Range, aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from services.booking.models import (
    booking_history,
    booking_items,
    bookings,
    customers,
    idempotency_keys,
    loctician_treatments,
    locticians,
    occupancy,
    open_windows,
    treatments,
)
from shared.db import Database

Row = dict[str, Any]

BOOK = text("SELECT CAST(booking.book(CAST(:claims AS jsonb), CAST(:request AS jsonb)) AS text)")
AVAILABILITY = text("SELECT CAST(booking.availability(CAST(:claims AS jsonb), CAST(:request AS jsonb)) AS text)")
FIND = text("SELECT CAST(b AS text) FROM booking.find_bookings(CAST(:claims AS jsonb), CAST(:filter AS jsonb)) AS b")
FREE_SLOTS = text(
    "SELECT starts_at, ends_at, loctician_id, price_amount"
    " FROM booking.free_slots(:treatments, :loctician, :from, :to, CAST(:limit AS integer))"
).bindparams(
    bindparam("treatments", type_=ARRAY(Uuid)),
    bindparam("loctician", type_=Uuid),
    bindparam("from", type_=DateTime(timezone=True)),
    bindparam("to", type_=DateTime(timezone=True)),
)
CANCELLED = text(
    "SELECT CAST(booking.event_data(b, :reason, NULL) AS text) AS event,"
    " CAST(booking.booking_json(b) AS text) AS booking FROM booking.bookings b WHERE b.id = :id"
).bindparams(bindparam("id", type_=Uuid), bindparam("reason", type_=Text))
REMEMBER = text("SELECT booking.remember(b, :change) FROM booking.bookings b WHERE b.id = :id").bindparams(
    bindparam("id", type_=Uuid), bindparam("change", type_=Text)
)


async def book(database: Database, claims: str, request: Row) -> Row:
    return await _json(database, BOOK, {"claims": claims, "request": orjson.dumps(request).decode()})


async def availability(database: Database, claims: str, request: Row) -> Row:
    return await _json(database, AVAILABILITY, {"claims": claims, "request": orjson.dumps(request).decode()})


async def find_bookings(database: Database, claims: str, conditions: Row) -> list[Row]:
    found = await database.call(FIND, {"claims": claims, "filter": orjson.dumps(conditions).decode()})
    return [orjson.loads(row[0]) for row in found]


async def _json(database: Database, statement: Any, params: Row) -> Row:
    answer: Row = orjson.loads((await database.call(statement, params))[0][0])
    return answer


async def free_slots(
    database: Database, treatment_ids: list[UUID], loctician: UUID | None, start: datetime, end: datetime, limit: int
) -> Sequence[Any]:
    params = {"treatments": treatment_ids, "loctician": loctician, "from": start, "to": end, "limit": limit}
    return await database.call(FREE_SLOTS, params)


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


def _performers() -> ColumnElement[Any]:
    return (
        select(func.coalesce(func.array_agg(loctician_treatments.c.loctician_id), literal([], ARRAY(Uuid))))
        .join(locticians, locticians.c.loctician_id == loctician_treatments.c.loctician_id)
        .where(loctician_treatments.c.treatment_id == treatments.c.id, locticians.c.active)
        .correlate(treatments)
        .scalar_subquery()
    )


def catalog(language: str, words: str | None, category: str | None, after: tuple[str, UUID] | None) -> Select[Any]:
    name = treatments.c.translations[language]["name"].astext
    statement = select(treatments, name.label("name"), _performers().label("loctician_ids")).where(treatments.c.active)
    if words:
        everything = func.concat_ws(
            " ",
            *(
                treatments.c.translations[one][field].astext
                for one in ("da", "en")
                for field in ("name", "description")
            ),
        )
        statement = statement.where(and_(*(everything.icontains(word, autoescape=True) for word in words.split()[:8])))
    if category:
        statement = statement.where(treatments.c.category == category)
    if after:
        statement = statement.where(tuple_(name, treatments.c.id) > tuple_(literal(after[0]), literal(after[1])))
    return statement.order_by(name, treatments.c.id)


def treatment(treatment_id: UUID) -> Select[Any]:
    return select(treatments, _performers().label("loctician_ids")).where(treatments.c.id == treatment_id)


def profiles(after: tuple[str, UUID] | None = None) -> Select[Any]:
    """Active locticians by name, each with what they offer at their own price and duration."""
    offered = func.jsonb_build_object(
        "service_id",
        treatments.c.id,
        "price_amount",
        func.coalesce(loctician_treatments.c.price_amount, treatments.c.price_amount),
        "duration_minutes",
        func.coalesce(loctician_treatments.c.duration_minutes, treatments.c.duration_minutes),
    )
    treatments_offered = (
        select(func.jsonb_agg(aggregate_order_by(offered, treatments.c.id)))
        .join(loctician_treatments, loctician_treatments.c.treatment_id == treatments.c.id)
        .where(loctician_treatments.c.loctician_id == locticians.c.loctician_id, treatments.c.active)
        .correlate(locticians)
        .scalar_subquery()
    )
    statement = select(locticians, treatments_offered.label("treatments")).where(locticians.c.active)
    if after:
        name_and_id = tuple_(locticians.c.display_name, locticians.c.loctician_id)
        statement = statement.where(name_and_id > tuple_(literal(after[0]), literal(after[1])))
    return statement.order_by(locticians.c.display_name, locticians.c.loctician_id)


async def open_day(
    session: AsyncSession, loctician_id: UUID, day: date, version: int, windows: list[Range[datetime]]
) -> None:
    added = insert(open_windows).values(loctician_id=loctician_id, day=day, version=version, windows=windows)
    newer = {"version": added.excluded.version, "windows": added.excluded.windows}
    statement = added.on_conflict_do_update(
        index_elements=["loctician_id", "day"], set_=newer, where=open_windows.c.version < added.excluded.version
    )
    await session.execute(statement)


async def mark_verified(session: AsyncSession, user_id: UUID, verified: bool, version: int) -> bool:
    return await _newer(session, user_id, "email_verified", verified, "verified_version", version)


async def mark_active(session: AsyncSession, user_id: UUID, active: bool, version: int) -> bool:
    return await _newer(session, user_id, "active", active, "active_version", version)


async def _newer(session: AsyncSession, user_id: UUID, fact: str, value: bool, versioned: str, version: int) -> bool:
    """Each fact has a version of its own, as each comes with events of its own, which may change places."""
    added = insert(customers).values({"id": user_id, fact: value, versioned: version})
    statement = added.on_conflict_do_update(
        index_elements=["id"],
        set_={fact: added.excluded[fact], versioned: added.excluded[versioned]},
        where=customers.c[versioned] < added.excluded[versioned],
    ).returning(customers.c.id)
    return bool((await session.execute(statement)).all())


async def open_chair(session: AsyncSession, loctician_id: UUID, active: bool) -> None:
    await session.execute(update(locticians).where(locticians.c.loctician_id == loctician_id).values(active=active))


async def forget_keys(session: AsyncSession, older_than: timedelta) -> None:
    await session.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < func.now() - older_than))
