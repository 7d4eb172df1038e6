"""SQL of holds."""

from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function_call

HOLD = function_call("hold")
RELEASE = function_call("release_hold")


async def end_expired(session: AsyncSession) -> None:
    """Ends the holds and offers that have expired. Their times are offered to the waitlist."""
    await session.execute(text("SELECT booking.end_lapsed_holds()"))


async def end_customer_holds(session: AsyncSession, customer_id: UUID) -> int:
    """Ends the customer's holds and offers. Their times are offered to the waitlist. Returns how many."""
    return int((await session.execute(select(func.booking.end_customer_holds(customer_id)))).scalar_one())
