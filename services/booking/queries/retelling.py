"""Events made once more from what stands in the tables."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BOOKINGS = text("""
    SELECT booking.emit(booking.new_id(), 'booking.' || change || '.v1', b.id::text, b.version,
        booking.event_data(b, b.cancel_reason, NULL))
    FROM booking.bookings b, LATERAL (SELECT CASE
        WHEN b.status IN ('completed', 'no_show', 'cancelled') THEN b.status
        WHEN b.version = 1 OR b.status = 'pending' THEN 'created' ELSE 'confirmed' END) AS told (change)
    WHERE b.updated_at >= :since
""")
TREATMENTS = text("""
    SELECT booking.emit(booking.new_id(), 'treatment.updated.v1', t.id::text, t.version, jsonb_build_object(
        'version', t.version, 'treatment_id', t.id, 'category', t.category, 'duration_minutes', t.duration_minutes,
        'price_amount', t.price_amount, 'currency', 'DKK', 'translations', t.translations, 'active', t.active))
    FROM booking.treatments t
""")
LOCTICIANS = text("""
    SELECT booking.emit(booking.new_id(), 'loctician.updated.v1', l.loctician_id::text, l.version, jsonb_build_object(
        'version', l.version, 'loctician_id', l.loctician_id, 'display_name', l.display_name, 'treatment_ids',
        ARRAY(SELECT o.treatment_id FROM booking.loctician_treatments o WHERE o.loctician_id = l.loctician_id)))
    FROM booking.locticians l
""")


async def bookings(session: AsyncSession, since: datetime) -> int:
    return len((await session.execute(BOOKINGS, {"since": since})).all())


async def catalog(session: AsyncSession) -> int:
    told = [(await session.execute(statement)).all() for statement in (TREATMENTS, LOCTICIANS)]
    return sum(map(len, told))
