"""Scheduled jobs of auth. Old rows are removed by the shared job `apply_retention`."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.settings import AuthSettings
from services.auth.signing_keys import rotation
from shared.jobs import Job


async def rotate_keys(session: AsyncSession) -> None:
    await rotation.rotate_if_due(session, AuthSettings(), datetime.now(UTC))


JOBS = (Job("rotate_keys", timedelta(hours=1), rotate_keys),)
