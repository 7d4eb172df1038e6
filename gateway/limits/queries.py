"""The SQL of the limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.models import known_networks, rate_limits
from shared.db import Database, call

PURGED_AT_ONCE = 10_000
KNOWN_DAYS = 90  # as long as auth holds an address for known

_LEASE = text("""
    SELECT place, granted, free, at, back_in
    FROM gateway.lease(CAST(:asks AS jsonb), coalesce(CAST(:now AS timestamptz), clock_timestamp()))
""")
_STILL_KNOWN = known_networks.c.seen_on > func.current_date() - KNOWN_DAYS
_KNOWN = select(known_networks.c.pair).where(_STILL_KNOWN)
_SEEN = insert(known_networks).values(seen_on=func.current_date())
_REMEMBER = _SEEN.on_conflict_do_update(
    index_elements=["pair"],
    set_={"seen_on": _SEEN.excluded.seen_on},
    where=known_networks.c.seen_on < _SEEN.excluded.seen_on,
).returning(known_networks.c.pair)


async def lease(database: Database, asks: str, now: datetime | None) -> Sequence[Row[Any]]:
    """Take from several buckets, each by itself; `now` in place of the database's clock."""
    return await call(database, _LEASE, {"asks": asks, "now": now})


async def is_known(database: Database, pair: bytes) -> bool:
    return bool(await call(database, _KNOWN.where(known_networks.c.pair == pair)))


async def remember(database: Database, pair: bytes) -> None:
    """That an account came in from a network, today."""
    await call(database, _REMEMBER, {"pair": pair})


async def purge_idle(session: AsyncSession) -> int:
    """Remove some of the buckets that are whole again; tells how many. One that is being taken from stays."""
    idle = (
        select(rate_limits.c.key)
        .where(rate_limits.c.idle_at < func.clock_timestamp())
        .limit(PURGED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    gone = delete(rate_limits).where(rate_limits.c.key.in_(idle)).returning(rate_limits.c.key)
    return len((await session.execute(gone)).all())


async def purge_unknown(session: AsyncSession) -> int:
    old = select(known_networks.c.pair).where(~_STILL_KNOWN).limit(PURGED_AT_ONCE)
    gone = delete(known_networks).where(known_networks.c.pair.in_(old)).returning(known_networks.c.pair)
    return len((await session.execute(gone)).all())
