"""What booking tells again of its catalog and bookings: after a restore, when some of it may have been on its way."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.queries import retelling


async def retell(session: AsyncSession, since: datetime) -> int:
    """How each booking changed since then stands now, and the catalog as it is. Returns how many; consumers pass over
    what they know."""
    return await retelling.catalog(session) + await retelling.bookings(session, since)
