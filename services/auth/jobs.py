"""Scheduled work of auth. What is over is removed by retention."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import keys
from services.auth.settings import AuthSettings
from shared.jobs import Job


async def rotate_keys(session: AsyncSession) -> None:
    await keys.rotate_if_due(session, AuthSettings(), datetime.now(UTC))


JOBS = (Job("rotate_keys", timedelta(hours=1), rotate_keys),)
