"""SQL of the page of one booking: whom its link is for, and the names that the page shows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import locticians, treatments

# The link ends at the end of the day after the appointment, by the clock in Copenhagen.
LINKED = text("""
    SELECT b.customer_id, coalesce(c.active, true) AS active, NOT b.walk_in AS has_account,
        booking.clock() >= (booking.local_day(b.ends_at) + 2)::timestamp AT TIME ZONE 'Europe/Copenhagen' AS ended
    FROM booking.bookings b LEFT JOIN booking.customers c ON c.id = b.customer_id
    WHERE b.id = :id
""")
CLOCK = text("SELECT booking.clock()")


async def linked(session: AsyncSession, booking_id: UUID) -> Any:
    """The booking's customer, whether the account is active, and whether links to the booking have ended."""
    return (await session.execute(LINKED, {"id": booking_id})).one_or_none()


async def clock(session: AsyncSession) -> Any:
    return (await session.execute(CLOCK)).scalar_one()


async def treatment_names(session: AsyncSession, ids: Sequence[UUID]) -> dict[str, dict[str, Any]]:
    """Name and description by language, by id; of archived treatments too."""
    rows = await session.execute(select(treatments.c.id, treatments.c.translations).where(treatments.c.id.in_(ids)))
    return {str(row.id): row.translations for row in rows}


async def loctician_names(session: AsyncSession, ids: Sequence[UUID]) -> dict[str, str]:
    rows = await session.execute(
        select(locticians.c.loctician_id, locticians.c.display_name).where(locticians.c.loctician_id.in_(ids))
    )
    return {str(row.loctician_id): row.display_name for row in rows}
