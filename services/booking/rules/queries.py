"""SQL of the salon's rules."""

from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import salon
from shared.database.session import Database

RULES = text("SELECT * FROM booking.rules()")
NOTED = ("minimum_notice_minutes", "buffers_within_hours")
NOTE_FREED_TIME = text("SELECT booking.note_time_of_rules(:minimum_notice_minutes, :buffers_within_hours)")
# Name, address and phone are in booking.salon_record now.
STATE = text("""
    SELECT to_jsonb(s) - CAST('{singleton, name, address, phone}' AS text[]) || '{"subject_name": "salon"}'
    FROM booking.salon s
""")


async def rules(database: Database) -> dict[str, Any]:
    return dict((await database.call(RULES))[0]._mapping)


async def lock_rules(session: AsyncSession) -> dict[str, Any]:
    """The rules. Nobody else can change them until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("booking.salon", 0))))
    return dict((await session.execute(RULES)).one()._mapping)


async def set_rules(session: AsyncSession, rules: dict[str, Any]) -> None:
    row = insert(salon).values(rules)
    await session.execute(row.on_conflict_do_update(index_elements=["singleton"], set_=rules))


async def note_freed_time(session: AsyncSession, former: dict[str, Any]) -> None:
    """Notes the time that the rules allow now, and the former ones did not, for the waitlist."""
    await session.execute(NOTE_FREED_TIME, {name: former[name] for name in NOTED})
