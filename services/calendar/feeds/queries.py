"""Feeds: at most one a person, and one a member of staff of each person; found by these or by the token's hash."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import feeds, staff_feeds
from services.calendar.rows import Row, Rows, fetch_all, fetch_first

TABLES = (feeds, staff_feeds)


async def feed_of(session: AsyncSession, owner_id: UUID, holder_id: UUID) -> Row | None:
    """`holder_id`: the owner, or the member of staff who made the feed."""
    table = _table(owner_id, holder_id)
    return await fetch_first(session, select(table).where(*_key(table, owner_id, holder_id)))


async def feed_with_token(session: AsyncSession, token_hash: bytes) -> Row | None:
    for table in TABLES:
        row = await fetch_first(session, select(table).where(table.c.token_hash == token_hash))
        if row is not None:
            return row
    return None


async def put(session: AsyncSession, holder_id: UUID, values: dict[str, Any]) -> None:
    """Replaces the holder's earlier feed of the same owner."""
    table = _table(values["owner_id"], holder_id)
    if table is staff_feeds:
        values = values | {"holder_id": holder_id}
    keys = [column.name for column in table.primary_key]
    await session.execute(upsert(table).values(values).on_conflict_do_update(index_elements=keys, set_=values))


async def modified_at(session: AsyncSession, feed_id: UUID, content_hash: bytes) -> datetime | None:
    """Since when the feed's content has this hash, in whole seconds; None if the feed was revoked meanwhile.

    A change is at least a second later than the one before, so that a client that asks by time sees it.
    """
    second = func.date_trunc("second", func.now())
    for table in TABLES:
        later = func.greatest(second, table.c.modified_at + text("interval '1 second'"))
        changed = update(table).where(table.c.id == feed_id, table.c.content_hash.is_distinct_from(content_hash))
        await session.execute(changed.values(content_hash=content_hash, modified_at=later))
        modified: datetime | None = (
            await session.execute(select(table.c.modified_at).where(table.c.id == feed_id))
        ).scalar()
        if modified is not None:
            return modified
    return None


async def remove(session: AsyncSession, owner_id: UUID, holder_id: UUID) -> Row | None:
    """The row that was removed; None if there was none."""
    table = _table(owner_id, holder_id)
    return await fetch_first(session, delete(table).where(*_key(table, owner_id, holder_id)).returning(table))


async def remove_staff_feeds(
    session: AsyncSession, *, owner_id: UUID | None = None, holder_id: UUID | None = None
) -> Rows:
    """Those of the owner's appointments, or those that the member of staff holds. Returns the rows removed."""
    which = staff_feeds.c.holder_id == holder_id if owner_id is None else staff_feeds.c.owner_id == owner_id
    return await fetch_all(session, delete(staff_feeds).where(which).returning(staff_feeds))


def _table(owner_id: UUID, holder_id: UUID) -> Table:
    return feeds if owner_id == holder_id else staff_feeds


def _key(table: Table, owner_id: UUID, holder_id: UUID) -> list[ColumnElement[bool]]:
    own = [table.c.owner_id == owner_id]
    return own if table is feeds else [*own, table.c.holder_id == holder_id]
