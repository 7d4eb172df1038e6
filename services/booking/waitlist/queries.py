"""SQL of the waitlist."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function_call

JOIN = function_call("join_waitlist")
LEAVE = function_call("leave_waitlist")
WISHES = "SELECT CAST(w AS text) FROM booking.list_waitlist(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS w"


async def offer_freed_times(session: AsyncSession) -> None:
    """Offers the times to the waitlist that became free without a booking being cancelled or moved."""
    await session.execute(text("SELECT booking.offer_freed_times()"))


async def extend_horizon(session: AsyncSession) -> None:
    """Records as freed the hours that have come within the salon's horizon since the last call."""
    await session.execute(text("SELECT booking.extend_horizon()"))
