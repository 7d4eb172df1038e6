"""Buckets that are whole again are removed, and networks from which nobody has come in for long."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.limits import queries
from shared.jobs import Job

MOST_PURGES = 20  # a run; what is left is the next one's


def _all_of(purge: Callable[[AsyncSession], Awaitable[int]]) -> Callable[[AsyncSession], Awaitable[None]]:
    async def run(session: AsyncSession) -> None:
        for _ in range(MOST_PURGES):
            if await purge(session) < queries.PURGED_AT_ONCE:
                return

    return run


JOBS: Sequence[Job] = (
    Job("purge_idle_limits", timedelta(minutes=1), _all_of(queries.purge_idle)),
    Job("purge_known_networks", timedelta(days=1), _all_of(queries.purge_unknown)),
)
