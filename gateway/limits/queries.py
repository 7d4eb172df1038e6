"""The SQL of the limits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.models import known_networks, rate_limits
from shared.database.session import Database, call

PURGE_BATCH = 10_000
KNOWN_DAYS = 90  # as long as auth holds an address for known
CHANGED_DAYS = 2  # today and yesterday: who sets a new password comes in soon

_LEASE = """
    SELECT place, granted, free, at, back_in
    FROM gateway.lease(CAST($1 AS jsonb), coalesce(CAST($2 AS timestamptz), clock_timestamp()))
"""
_STILL_KNOWN = known_networks.c.seen_on > func.current_date() - KNOWN_DAYS
_KNOWN = select(known_networks.c.key).where(
    or_(
        and_(known_networks.c.key == bindparam("pair"), _STILL_KNOWN),
        and_(
            known_networks.c.key == bindparam("changed"), known_networks.c.seen_on > func.current_date() - CHANGED_DAYS
        ),
    )
)
_SEEN = insert(known_networks).values(seen_on=func.current_date())
_REMEMBER = _SEEN.on_conflict_do_update(
    index_elements=["key"],
    set_={"seen_on": _SEEN.excluded.seen_on},
    where=known_networks.c.seen_on < _SEEN.excluded.seen_on,
).returning(known_networks.c.key)


async def lease(database: Database, asks: str, now: datetime | None) -> Sequence[Mapping[str, Any]]:
    """Take from several buckets, each by itself; `now` in place of the database's clock.

    AutocommitPool, as nothing else that the gateway asks of the database is asked so often. Raises the driver's errors.
    """
    rows: Sequence[Mapping[str, Any]] = await database.autocommit.rows(_LEASE, asks, now)
    return rows


async def is_known(database: Database, pair: bytes, changed: bytes) -> bool:
    """Whether the account has come in from the network, or somebody there has just set a new password."""
    return bool(await call(database, _KNOWN, {"pair": pair, "changed": changed}))


async def remember(database: Database, key: bytes) -> None:
    """That it was so today."""
    await call(database, _REMEMBER, {"key": key})


async def purge_idle_buckets(session: AsyncSession) -> int:
    """Remove some of the buckets that are whole again; tells how many. One that is being taken from stays."""
    idle = (
        select(rate_limits.c.key)
        .where(rate_limits.c.idle_at < func.clock_timestamp())
        .limit(PURGE_BATCH)
        .with_for_update(skip_locked=True)
    )
    gone = delete(rate_limits).where(rate_limits.c.key.in_(idle)).returning(rate_limits.c.key)
    return len((await session.execute(gone)).all())


async def purge_known_networks(session: AsyncSession) -> int:
    old = select(known_networks.c.key).where(~_STILL_KNOWN).limit(PURGE_BATCH)
    gone = delete(known_networks).where(known_networks.c.key.in_(old)).returning(known_networks.c.key)
    return len((await session.execute(gone)).all())
