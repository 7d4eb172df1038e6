from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.queries import keys as queries
from shared.jobs import Job

KEYS_KEPT = timedelta(hours=24)


async def forget_idempotency_keys(session: AsyncSession) -> None:
    await queries.forget_keys(session, KEYS_KEPT)


JOBS = (Job("forget_idempotency_keys", timedelta(hours=1), forget_idempotency_keys),)
