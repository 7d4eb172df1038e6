from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function

HOLD = function("hold")
RELEASE = function("release_hold")


async def end_lapsed(session: AsyncSession) -> None:
    await session.execute(text("SELECT booking.end_lapsed_holds()"))


async def end_all_of(session: AsyncSession, customer_id: UUID) -> int:
    """Holds and offers; their times go to who waits. Returns how many."""
    return int((await session.execute(select(func.booking.end_customer_holds(customer_id)))).scalar_one())
