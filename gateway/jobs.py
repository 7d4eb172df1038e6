"""Scheduled work of the gateway: removes rows that no longer count."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.identity import queries as identity
from gateway.limits import queries as limits
from shared.jobs import Job

Purge = Callable[[AsyncSession], Awaitable[int]]


def _in_batches(purge: Purge, batch: int, most: int) -> Callable[[AsyncSession], Awaitable[None]]:
    """Runs `purge` until it removes fewer than `batch` rows, at most `most` times; the next run removes the rest."""

    async def run(session: AsyncSession) -> None:
        for _ in range(most):
            if await purge(session) < batch:
                return

    return run


_purge_used_tickets = _in_batches(identity.purge_used_tickets, identity.PURGE_BATCH, most=100)
_purge_idle_buckets = _in_batches(limits.purge_idle_buckets, limits.PURGE_BATCH, most=20)
_purge_known_networks = _in_batches(limits.purge_known_networks, limits.PURGE_BATCH, most=20)

JOBS: Sequence[Job] = (
    Job("purge_used_tickets", timedelta(minutes=1), _purge_used_tickets),
    Job("purge_idle_limits", timedelta(minutes=1), _purge_idle_buckets),
    Job("purge_known_networks", timedelta(days=1), _purge_known_networks),
)
