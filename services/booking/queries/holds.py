from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.queries.common import function

HOLD = function("hold")
RELEASE = function("release_hold")
WAIT = function("wait")
STOP_WAITING = function("stop_waiting")
WISHES = "SELECT CAST(w AS text) FROM booking.wishes(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS w"


async def end_lapsed(session: AsyncSession) -> None:
    await session.execute(text("SELECT booking.end_lapsed_holds()"))


async def offer_openings(session: AsyncSession) -> None:
    """To the waitlist, what opened up without a booking being cancelled or moved."""
    await session.execute(text("SELECT booking.offer_openings()"))


async def note_reach(session: AsyncSession) -> None:
    """As time passes, or by a longer horizon, days come within reach: they open up."""
    await session.execute(text("SELECT booking.note_reach()"))


async def end_all_of(session: AsyncSession, customer_id: UUID) -> int:
    """Holds and offers; their times go to who waits. Returns how many."""
    return int((await session.execute(select(func.booking.end_holds_of(customer_id)))).scalar_one())
