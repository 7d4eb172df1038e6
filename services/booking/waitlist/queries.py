from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function

WAIT = function("join_waitlist")
STOP_WAITING = function("leave_waitlist")
WISHES = "SELECT CAST(w AS text) FROM booking.list_waitlist(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS w"


async def offer_freed_times(session: AsyncSession) -> None:
    """Offers the waitlist what came free without a booking being cancelled or moved."""
    await session.execute(text("SELECT booking.offer_freed_times()"))


async def extend_horizon(session: AsyncSession) -> None:
    """Notes the hours that came within the horizon, as time passed or the horizon was extended, as freed."""
    await session.execute(text("SELECT booking.extend_horizon()"))
