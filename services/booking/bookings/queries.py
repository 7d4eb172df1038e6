"""SQL of bookings. The functions are in sql/."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import booking_history, bookings
from services.booking.sql_calls import function_call

BOOK = function_call("book")
CHANGE = function_call("change")
CANCEL = function_call("cancel")
SET_OUTCOME = function_call("set_outcome")
UNDO_NO_SHOW = function_call("undo_no_show")
KEEP = function_call("keep")
SET_LENGTH = function_call("set_length")
LOCK_UNCONFIRMED = text("SELECT b FROM booking.lock_unconfirmed() b")
FIND = "SELECT CAST(b AS text) FROM booking.find_bookings(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS b"
COUNT = function_call("count_bookings")
# The reason of a cancellation: its code, or what the history tells of a booking that has none. What somebody wrote
# stays here.
STATES = text("""
    SELECT booking.booking_event_data(b, coalesce(b.cancel_code, (
        SELECT CASE WHEN h.actor_role = 'customer' THEN 'by_customer' WHEN h.actor_role <> 'service' THEN 'by_salon' END
        FROM booking.booking_history h WHERE h.booking_id = b.id AND h.change = 'cancelled'
            AND b.status = 'cancelled' ORDER BY h.id DESC LIMIT 1)), NULL)
    FROM booking.bookings b
    WHERE b.id > :after AND (CAST(:since AS timestamptz) IS NULL OR b.updated_at >= :since)
    ORDER BY b.id LIMIT :limit
""")


async def history(session: AsyncSession, booking_id: UUID) -> Sequence[Any]:
    statement = select(booking_history).where(booking_history.c.booking_id == booking_id)
    return (await session.execute(statement.order_by(booking_history.c.id).limit(1000))).all()


async def upcoming_ids(session: AsyncSession, customer_id: UUID) -> Sequence[UUID]:
    statement = select(bookings.c.id).where(
        bookings.c.customer_id == customer_id,
        bookings.c.status.in_(["pending", "confirmed"]),
        bookings.c.starts_at > func.booking.clock(),
    )
    return (await session.execute(statement.order_by(bookings.c.id))).scalars().all()


async def lock_unconfirmed(session: AsyncSession) -> UUID | None:
    """The pending booking whose time for a confirmation passed first, locked with its people; None if there is none."""
    return (await session.execute(LOCK_UNCONFIRMED)).scalar_one_or_none()


async def anonymize_customer(session: AsyncSession, customer_id: UUID) -> int:
    """Removes the customer from all of the customer's bookings. Returns how many."""
    own = select(func.coalesce(func.array_agg(bookings.c.id), literal([], ARRAY(Uuid))))
    ids = own.where(bookings.c.customer_id == customer_id).scalar_subquery()
    return int((await session.execute(select(func.booking.anonymize(ids)))).scalar_one())


async def mark_bookings_of(session: AsyncSession, customer_id: UUID, *, active: bool) -> int:
    """Marks the coming bookings of a deactivated customer for the salon to decide. Returns how many were changed."""
    marked = select(func.booking.mark_bookings_of(customer_id, active))
    return int((await session.execute(marked)).scalar_one())
