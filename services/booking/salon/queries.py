"""SQL of the salon's record."""

from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.salon.tables import salon_record
from shared.database.session import Database

STATE = text("""SELECT to_jsonb(s) - 'singleton' || '{"subject_name": "salon"}' FROM booking.salon_record s""")
PICTURES = select(
    func.booking.pictures_json("logo", None, type_=JSONB).label("logo"),
    func.booking.pictures_json("salon", None, type_=JSONB).label("pictures"),
)
RECORD = select(*(column for column in salon_record.c if column.name != "singleton"))


async def record(database: Database) -> dict[str, Any] | None:
    rows = await database.call(RECORD)
    return dict(rows[0]._mapping) if rows else None


async def pictures(database: Database) -> dict[str, Any]:
    """The salon's logo, and its other pictures."""
    row = (await database.call(PICTURES))[0]
    return {"logo": next(iter(row.logo), None), "pictures": row.pictures}


async def pictures_in(session: AsyncSession) -> dict[str, Any]:
    """The same within a transaction."""
    row = (await session.execute(PICTURES)).one()
    return {"logo": next(iter(row.logo), None), "pictures": row.pictures}


async def lock_record(session: AsyncSession) -> dict[str, Any] | None:
    """The record. Nobody else can change it until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("booking.salon_record", 0))))
    row = (await session.execute(RECORD)).one_or_none()
    return dict(row._mapping) if row else None


async def put_record(session: AsyncSession, values: dict[str, Any]) -> None:
    row = insert(salon_record).values(values)
    await session.execute(row.on_conflict_do_update(index_elements=["singleton"], set_=values))
