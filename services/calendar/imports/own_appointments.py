"""Leaves out of an imported calendar what came from us: invitations and feeds name a booking or its item in the UID.

An id counts only if booking has published it, so another salon's events stay busy although their UIDs look the same.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.ics.reader import Reading
from services.calendar.intervals import Interval, merge
from services.calendar.models import appointments, booking_versions
from services.calendar.rows import Row, fetch_all
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS


async def busy_without_own(database: Database, loctician_id: UUID, reading: Reading) -> list[Interval]:
    """The busy times of a calendar, merged, without the loctician's own appointments, wherever they have moved to."""
    if not reading.by_id:
        return reading.busy
    async with transaction(database, SERVICE_CLAIMS) as session:
        own = await _own(session, loctician_id, reading.by_id)
    others = [time for id_, times in reading.by_id.items() if id_ not in own for time in times]
    return merge(reading.busy + others)


async def _own(session: AsyncSession, loctician_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Those of bookings and items, except where the loctician is the customer of a colleague: that time is busy."""
    wanted = list(ids)
    item = appointments.c
    known = select(item.item_id, item.booking_id, item.loctician_id, item.customer_id).where(
        or_(item.item_id.in_(wanted), item.booking_id.in_(wanted))
    )
    rows = await fetch_all(session, known)
    versions = select(booking_versions.c.booking_id).where(booking_versions.c.booking_id.in_(wanted))
    performed = {id_ for row in rows if row["loctician_id"] == loctician_id for id_ in _ids(row)}
    as_customer = {id_ for row in rows if row["customer_id"] == loctician_id for id_ in _ids(row)}
    bookings = set((await session.execute(versions)).scalars())
    return (bookings | {id_ for row in rows for id_ in _ids(row)}) - (as_customer - performed)


def _ids(row: Row) -> tuple[UUID, UUID]:
    return row["item_id"], row["booking_id"]
