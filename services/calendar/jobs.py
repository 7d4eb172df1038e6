from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.expansion import today
from services.calendar.feeds import CANCELLED_KEPT
from services.calendar.publishing import HORIZON, extend
from services.calendar.queries import projections, windows
from shared.jobs import Job


async def forget_old(session: AsyncSession) -> None:
    await projections.forget_cancelled(session, CANCELLED_KEPT)
    await windows.forget_days_before(session, today() - HORIZON)


JOBS = (
    Job("extend_horizon", timedelta(minutes=10), extend),
    Job("forget_old", timedelta(hours=1), forget_old),
)
