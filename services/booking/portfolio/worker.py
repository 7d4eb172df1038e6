"""Worker that refreshes the cached portfolios from Instagram.

Due portfolios are claimed in one transaction, fetched outside of any, and stored in another.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
from prometheus_client import Counter

from services.booking.portfolio import instagram, queries
from services.booking.portfolio.instagram import InstagramError, Media
from services.booking.settings import BookingSettings
from shared.backoff import Backoff, jitter
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.log import logger

POLL_SECONDS = 15.0
BATCH_SIZE = 5
LEASE = timedelta(minutes=10)  # longer than BATCH_SIZE fetches can take
REFRESH_SECONDS = 3600.0
BACKOFF = Backoff(first=60.0, longest=6 * 3600.0, spread=0.1)  # seconds

log = logger(__name__)
REFRESHES = Counter("portfolio_refreshes_total", "Refreshes of a portfolio, by outcome", ["outcome"])


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    assert isinstance(settings, BookingSettings)  # noqa: S101 - tells mypy the type
    if not settings.enable_instagram or settings.instagram_access_token is None:
        await asyncio.Event().wait()  # there is nothing to refresh
        return
    token = settings.instagram_access_token.get_secret_value()
    async with instagram.create_client(settings.instagram_url) as client:
        while True:
            if not await refresh_due(runtime.database, client, token):
                await asyncio.sleep(jitter(POLL_SECONDS))


async def refresh_due(database: Database, client: httpx.AsyncClient, token: str) -> int:
    """Refreshes a batch of due portfolios. Returns how many. Each is claimed by one replica only."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        due = await queries.claim_due(session, LEASE, BATCH_SIZE)
    for source in due:
        await _refresh(database, client, token, source.loctician_id, source.instagram_user_id, source.failures)
    return len(due)


async def _refresh(
    database: Database, client: httpx.AsyncClient, token: str, loctician_id: UUID, account: str, failures: int
) -> None:
    try:
        media = await instagram.newest_media(client, account, token)
    except InstagramError as error:
        REFRESHES.labels("failed").inc()
        log.warning(
            "portfolio_not_refreshed", loctician_id=str(loctician_id), reason=error.reason, failures=failures + 1
        )
        async with transaction(database, SERVICE_CLAIMS) as session:
            await queries.schedule(session, loctician_id, account, pause_after(failures), failures + 1)
        return
    await _store(database, loctician_id, account, media)
    REFRESHES.labels("done").inc()


async def _store(database: Database, loctician_id: UUID, account: str, media: list[Media]) -> None:
    pause = timedelta(seconds=jitter(REFRESH_SECONDS, 0.1))
    async with transaction(database, SERVICE_CLAIMS) as session:
        if await queries.schedule(session, loctician_id, account, pause, 0):
            await queries.replace_media(session, loctician_id, [item.row for item in media])


def pause_after(failures: int) -> timedelta:
    """How long to wait after a failure that follows so many other failures in a row."""
    return timedelta(seconds=BACKOFF.pause(failures))
