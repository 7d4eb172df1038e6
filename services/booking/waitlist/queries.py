from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function

WAIT = function("wait")
STOP_WAITING = function("stop_waiting")
WISHES = "SELECT CAST(w AS text) FROM booking.wishes(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS w"


async def offer_openings(session: AsyncSession) -> None:
    """To the waitlist, what opened up without a booking being cancelled or moved."""
    await session.execute(text("SELECT booking.offer_openings()"))


async def note_reach(session: AsyncSession) -> None:
    """As time passes, or by a longer horizon, days come within reach: they open up."""
    await session.execute(text("SELECT booking.note_reach()"))
