from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import salon
from shared.database.session import Database

RULES = text("SELECT * FROM booking.rules()")


async def rules(database: Database) -> dict[str, Any]:
    return dict((await database.call(RULES))[0]._mapping)


async def locked_rules(session: AsyncSession) -> dict[str, Any]:
    """As they are, and nobody else changes them until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("booking.salon", 0))))
    return dict((await session.execute(RULES)).one()._mapping)


async def choose(session: AsyncSession, chosen: dict[str, Any]) -> None:
    added = insert(salon).values(chosen)
    await session.execute(added.on_conflict_do_update(index_elements=["singleton"], set_=chosen))
