"""SQL statements for rate limits and known networks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.models import known_networks, rate_limits
from shared.database.session import Database

PURGE_BATCH = 10_000
KNOWN_DAYS = 90  # auth keeps known addresses for as long
PASSWORD_CHANGED_DAYS = 2  # today and yesterday: people sign in soon after they set a new password

_LEASE = """
    SELECT number, granted, free, at, back_in
    FROM gateway.lease(CAST($1 AS jsonb), coalesce(CAST($2 AS timestamptz), clock_timestamp()))
"""
_STILL_KNOWN = known_networks.c.seen_on > func.current_date() - KNOWN_DAYS
_RECENT = known_networks.c.seen_on > func.current_date() - PASSWORD_CHANGED_DAYS
_IS_KNOWN = select(known_networks.c.key).where(
    or_(
        and_(known_networks.c.key == bindparam("signed_in"), _STILL_KNOWN),
        and_(known_networks.c.key == bindparam("password_changed"), _RECENT),
    )
)
_SEEN_TODAY = insert(known_networks).values(seen_on=func.current_date())
_STORE = _SEEN_TODAY.on_conflict_do_update(
    index_elements=["key"],
    set_={"seen_on": _SEEN_TODAY.excluded.seen_on},
    where=known_networks.c.seen_on < _SEEN_TODAY.excluded.seen_on,
).returning(known_networks.c.key)


async def lease(database: Database, requests: str, now: datetime | None) -> Sequence[Mapping[str, Any]]:
    """Takes from several buckets, from each on its own. `requests` is a JSON array.

    `now` replaces the database's clock. Uses the autocommit pool: it is the gateway's most frequent query. Raises the
    driver's errors.
    """
    rows: Sequence[Mapping[str, Any]] = await database.autocommit.rows(_LEASE, requests, now)
    return rows


async def is_known(database: Database, signed_in: bytes, password_changed: bytes) -> bool:
    """Whether the account has signed in from the network, or a password was set there in the last days."""
    return bool(await database.call(_IS_KNOWN, {"signed_in": signed_in, "password_changed": password_changed}))


async def store_known_network(database: Database, key: bytes) -> None:
    """Records that the network was used today."""
    await database.call(_STORE, {"key": key})


async def purge_idle_buckets(session: AsyncSession) -> int:
    """Deletes at most PURGE_BATCH buckets that count nothing any more, except those in use now; returns how many."""
    idle = (
        select(rate_limits.c.key)
        .where(rate_limits.c.idle_at < func.clock_timestamp())
        .limit(PURGE_BATCH)
        .with_for_update(skip_locked=True)
    )
    deleted = delete(rate_limits).where(rate_limits.c.key.in_(idle)).returning(rate_limits.c.key)
    return len((await session.execute(deleted)).all())


async def purge_known_networks(session: AsyncSession) -> int:
    """Deletes at most PURGE_BATCH networks that were not used for KNOWN_DAYS; returns how many."""
    old = select(known_networks.c.key).where(~_STILL_KNOWN).limit(PURGE_BATCH)
    deleted = delete(known_networks).where(known_networks.c.key.in_(old)).returning(known_networks.c.key)
    return len((await session.execute(deleted)).all())
