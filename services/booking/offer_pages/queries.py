"""SQL of the page of an offer."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The wish that was offered the time, with the hold while the offer is open, else with the booking that it became.
OFFER = text("""
    SELECT w.customer_id, w.status, w.booking_id, w.offer_ends_at, booking.clock() AS now,
        CASE WHEN h.id IS NOT NULL THEN CAST(booking.hold_json(h) AS text) END AS hold,
        CAST((SELECT booking.booking_json(b) FROM booking.bookings b WHERE b.id = w.booking_id) AS text) AS booking,
        (booking.rules()).confirm_by_hand AS confirm_by_hand
    FROM booking.waitlist w
    LEFT JOIN booking.holds h ON h.id = w.offer_id AND h.expires_at > booking.clock()
    WHERE w.offer_id = :offer_id
""")


NAMES = text("""
    SELECT (SELECT jsonb_object_agg(t.id, t.translations) FROM booking.treatments t
            WHERE t.id = ANY (CAST(:treatment_ids AS uuid[]))) AS treatments,
        (SELECT jsonb_object_agg(l.loctician_id, l.display_name) FROM booking.locticians l
            WHERE l.loctician_id = ANY (CAST(:loctician_ids AS uuid[]))) AS locticians
""")


async def find_offer(session: AsyncSession, offer_id: UUID) -> dict[str, Any] | None:
    row = (await session.execute(OFFER, {"offer_id": offer_id})).mappings().one_or_none()
    if row is None:
        return None
    read = {name: row[name] and orjson.loads(row[name]) for name in ("hold", "booking")}
    return dict(row) | read


async def names(session: AsyncSession, treatment_ids: list[UUID], loctician_ids: list[UUID]) -> dict[str, Any]:
    """`treatments`: name and description by language, by id. `locticians`: names by id."""
    values = {"treatment_ids": treatment_ids, "loctician_ids": loctician_ids}
    row = (await session.execute(NAMES, values)).mappings().one()
    return {name: row[name] or {} for name in ("treatments", "locticians")}
