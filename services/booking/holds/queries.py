"""SQL of holds."""

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import Row, function_call

HOLD = function_call("hold")
RELEASE = function_call("release_hold")
LOCK_EXPIRED = text("SELECT h FROM booking.lock_lapsed_holds(:limit) h")
LOCK_OF_CUSTOMER = text("SELECT h FROM booking.lock_customer_holds(:customer_id) h")
END = text("SELECT CAST(booking.end_locked_hold(:hold_id) AS text)")


async def lock_expired(session: AsyncSession, limit: int) -> Sequence[UUID]:
    """Up to `limit` holds and offers that have expired, locked; the oldest first."""
    return (await session.execute(LOCK_EXPIRED, {"limit": limit})).scalars().all()


async def lock_of_customer(session: AsyncSession, customer_id: UUID) -> Sequence[UUID]:
    """The customer's holds and offers, locked."""
    return (await session.execute(LOCK_OF_CUSTOMER, {"customer_id": customer_id})).scalars().all()


async def end(session: AsyncSession, hold_id: UUID) -> Row:
    """Ends a hold that the transaction has locked. Returns its time as freed, see waitlist/offers.py."""
    row: Row = orjson.loads((await session.execute(END, {"hold_id": hold_id})).scalar_one())
    return row
