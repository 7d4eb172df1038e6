from datetime import timedelta

from sqlalchemy import delete, func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import bookings, waitlist
from services.booking.queries.common import function

HOLD = function("hold")
RELEASE = function("release_hold")
WAIT = function("wait")
STOP_WAITING = function("stop_waiting")
WISHES = "SELECT CAST(w AS text) FROM booking.wishes(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS w"


async def end_lapsed(session: AsyncSession) -> None:
    await session.execute(text("SELECT booking.end_lapsed_holds()"))


async def forget_wishes(session: AsyncSession) -> None:
    """Those whose last day is over, unless an offer of theirs is still to be ended."""
    over = waitlist.c.last_day < func.booking.local_day(func.booking.clock())
    await session.execute(delete(waitlist).where(over, waitlist.c.status != "offered"))


async def forget_walk_ins(session: AsyncSession, older_than: timedelta) -> None:
    known = bookings.c.walk_in_name.is_not(None) | bookings.c.walk_in_phone.is_not(None)
    over = bookings.c.ends_at < func.booking.clock() - older_than
    await session.execute(
        update(bookings).where(bookings.c.walk_in, known, over).values(walk_in_name=None, walk_in_phone=None)
    )
