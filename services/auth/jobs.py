"""Scheduled jobs of auth. Old rows are removed by the shared job `apply_retention`."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.settings import AuthSettings
from services.auth.signing_keys import rotation
from services.auth.users.renewal import renew
from shared.identity.derived_keys import keys_of
from shared.jobs import Job


async def rotate_keys(session: AsyncSession) -> None:
    await rotation.rotate_if_due(session, AuthSettings(), datetime.now(UTC))


async def renew_signatures(session: AsyncSession) -> None:
    if keys_of(session).has_previous:
        await renew(session)


JOBS = (
    Job("rotate_keys", timedelta(hours=1), rotate_keys),
    Job("renew_signatures", timedelta(hours=1), renew_signatures),
)
