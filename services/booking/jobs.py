from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.queries import holds
from shared.jobs import Job

WALK_INS_KEPT = timedelta(days=30)


async def forget_walk_ins(session: AsyncSession) -> None:
    await holds.forget_walk_ins(session, WALK_INS_KEPT)


JOBS = (
    Job("end_lapsed_holds", timedelta(seconds=5), holds.end_lapsed),
    Job("forget_wishes", timedelta(hours=1), holds.forget_wishes),
    Job("forget_walk_ins", timedelta(hours=6), forget_walk_ins),
)
