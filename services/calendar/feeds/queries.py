from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import feeds
from services.calendar.rows import Row, first


async def feed_of(session: AsyncSession, owner_id: UUID) -> Row | None:
    return await first(session, select(feeds).where(feeds.c.owner_id == owner_id))


async def feed_with(session: AsyncSession, token_hash: bytes) -> Row | None:
    return await first(session, select(feeds).where(feeds.c.token_hash == token_hash))


async def put(session: AsyncSession, feed: dict[str, Any]) -> None:
    """In place of the one the owner had."""
    await session.execute(upsert(feeds).values(feed).on_conflict_do_update(index_elements=["owner_id"], set_=feed))


async def remove(session: AsyncSession, owner_id: UUID) -> Row | None:
    return await first(session, delete(feeds).where(feeds.c.owner_id == owner_id).returning(feeds))
