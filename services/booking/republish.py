"""What booking publishes again after a restore, when some of it may not have arrived: salon, catalog, bookings."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.bookings import queries as bookings
from services.booking.catalog import queries as catalog
from services.booking.profiles import queries as profiles
from services.booking.salon import queries as salon


async def republish(session: AsyncSession, since: datetime) -> int:
    """Publishes the salon's rules, the whole catalog, and each booking that changed since then, as they are now.

    Returns how many. Consumers ignore versions that they know.
    """
    known = await salon.republish(session) + await catalog.republish(session)
    return known + await profiles.republish(session) + await bookings.republish(session, since)
