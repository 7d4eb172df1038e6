"""Keeps the cached portfolios fresh: claimed in one transaction, fetched outside of any, stored in another."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import httpx
from prometheus_client import Counter

from services.booking.portfolio import instagram, queries
from services.booking.portfolio.instagram import InstagramError, Media
from services.booking.settings import BookingSettings
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.log import logger

POLL = 15.0  # seconds
AT_A_TIME = 5
LEASE = timedelta(minutes=10)  # longer than AT_A_TIME fetches can take
EVERY = timedelta(hours=1)
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)

log = logger(__name__)
REFRESHES = Counter("portfolio_refreshes_total", "Refreshes of a portfolio, by outcome", ["outcome"])


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    assert isinstance(settings, BookingSettings)  # noqa: S101 - narrows what the service itself named
    if not settings.enable_instagram or settings.instagram_access_token is None:
        await asyncio.Event().wait()  # there is nothing to keep fresh
        return
    token = settings.instagram_access_token.get_secret_value()
    async with instagram.client_of(settings.instagram_url) as client:
        while True:
            if not await refresh_due(runtime.database, client, token):
                await asyncio.sleep(POLL * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load


async def refresh_due(database: Database, client: httpx.AsyncClient, token: str) -> int:
    """How many portfolios were due. Any number of replicas may do this at once: each is claimed by one."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        due = await queries.claim_due(session, LEASE, AT_A_TIME)
    for one in due:
        await _refresh(database, client, token, one.loctician_id, one.instagram_user_id, one.failures)
    return len(due)


async def _refresh(
    database: Database, client: httpx.AsyncClient, token: str, loctician_id: UUID, account: str, failures: int
) -> None:
    try:
        fetched = await instagram.newest_media(client, account, token)
    except InstagramError as error:
        REFRESHES.labels("failed").inc()
        log.warning(
            "portfolio_not_refreshed", loctician_id=str(loctician_id), reason=error.reason, failures=failures + 1
        )
        async with transaction(database, SERVICE_CLAIMS) as session:
            await queries.put_off(session, loctician_id, account, after(failures), failures + 1)
        return
    await _store(database, loctician_id, account, fetched)
    REFRESHES.labels("done").inc()


async def _store(database: Database, loctician_id: UUID, account: str, fetched: list[Media]) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        if await queries.put_off(session, loctician_id, account, _jittered(EVERY), 0):
            await queries.replace_media(session, loctician_id, [one.row for one in fetched])


def after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row and one more."""
    return _jittered(min(FIRST_RETRY * 2 ** min(failures, 20), LONGEST_RETRY))


def _jittered(wait: timedelta) -> timedelta:
    return wait * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
