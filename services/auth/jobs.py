"""Scheduled work of auth: throwing away what is over, and changing the signing key in time."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import keys, queries
from services.auth.settings import AuthSettings
from shared.jobs import Job

BATCH, MOST_BATCHES = 1_000, 20


async def purge(session: AsyncSession) -> None:
    for _ in range(MOST_BATCHES):
        if await queries.purge(session, BATCH) < BATCH:
            return


async def rotate_keys(session: AsyncSession) -> None:
    await keys.rotate_if_due(session, AuthSettings(), datetime.now(UTC))


JOBS = (
    Job("purge", timedelta(minutes=10), purge),
    Job("rotate_keys", timedelta(hours=1), rotate_keys),
)
