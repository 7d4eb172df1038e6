"""SQL of holds."""

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import Row, function_call

HOLD = function_call("hold")
PROLONG = function_call("prolong_hold")
RELEASE = function_call("release_hold")
LOCK_EXPIRED = text("SELECT h FROM booking.lock_lapsed_hold() h")
LOCK_OF_CUSTOMER = text("SELECT h FROM booking.lock_customer_holds(:customer_id, :bookings) h")
END = text("SELECT CAST(booking.end_locked_hold(:hold_id) AS text)")


async def lock_expired(session: AsyncSession) -> UUID | None:
    """The hold or offer that expired first, locked with its people; None if there is none."""
    return (await session.execute(LOCK_EXPIRED)).scalar_one_or_none()


async def lock_of_customer(session: AsyncSession, customer_id: UUID, *, bookings: bool) -> Sequence[UUID]:
    """The customer's holds and offers, locked with their people; with `bookings`, also those of the coming bookings."""
    return (await session.execute(LOCK_OF_CUSTOMER, {"customer_id": customer_id, "bookings": bookings})).scalars().all()


async def end(session: AsyncSession, hold_id: UUID) -> Row:
    """Ends a hold that the transaction has locked. Returns its time as freed, see waitlist/offers.py."""
    row: Row = orjson.loads((await session.execute(END, {"hold_id": hold_id})).scalar_one())
    return row
