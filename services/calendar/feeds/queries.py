"""Feeds: at most one a person, found by its owner or by its token's hash."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import feeds
from services.calendar.rows import Row, fetch_first


async def feed_of(session: AsyncSession, owner_id: UUID) -> Row | None:
    return await fetch_first(session, select(feeds).where(feeds.c.owner_id == owner_id))


async def feed_with_token(session: AsyncSession, token_hash: bytes) -> Row | None:
    return await fetch_first(session, select(feeds).where(feeds.c.token_hash == token_hash))


async def put(session: AsyncSession, values: dict[str, Any]) -> None:
    """Replaces the owner's earlier feed."""
    await session.execute(upsert(feeds).values(values).on_conflict_do_update(index_elements=["owner_id"], set_=values))


async def modified_at(session: AsyncSession, feed_id: UUID, content_hash: bytes) -> datetime | None:
    """Since when the feed's content has this hash, in whole seconds; None if the feed was revoked meanwhile.

    A change is at least a second later than the one before, so that a client that asks by time sees it.
    """
    second = func.date_trunc("second", func.now())
    later = func.greatest(second, feeds.c.modified_at + text("interval '1 second'"))
    changed = update(feeds).where(feeds.c.id == feed_id, feeds.c.content_hash.is_distinct_from(content_hash))
    await session.execute(changed.values(content_hash=content_hash, modified_at=later))
    return (await session.execute(select(feeds.c.modified_at).where(feeds.c.id == feed_id))).scalar()


async def remove(session: AsyncSession, owner_id: UUID) -> Row | None:
    """The row that was removed; None if there was none."""
    return await fetch_first(session, delete(feeds).where(feeds.c.owner_id == owner_id).returning(feeds))
