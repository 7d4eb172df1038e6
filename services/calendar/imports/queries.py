"""Imported calendars: their addresses, and the busy times read from them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.intervals import Window, clip, merge
from services.calendar.models import imports
from services.calendar.rows import Row, Rows, first, rows

MOST_IMPORTS = 5


async def imports_of(session: AsyncSession, loctician_id: UUID) -> Rows:
    found = select(imports).where(imports.c.loctician_id == loctician_id)
    return await rows(session, found.order_by(imports.c.id).limit(MOST_IMPORTS))


async def add(session: AsyncSession, added: dict[str, Any]) -> Row:
    return dict((await session.execute(insert(imports).values(added).returning(imports))).mappings().one())


async def remove(session: AsyncSession, loctician_id: UUID, import_id: UUID) -> Row | None:
    mine = (imports.c.id == import_id) & (imports.c.loctician_id == loctician_id)
    return await first(session, delete(imports).where(mine).returning(imports))


async def busy_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> list[Window]:
    """Merged, and cut to start..end."""
    found = select(imports.c.busy).where(imports.c.loctician_id == loctician_id)
    parts = [(one.lower, one.upper) for busy in (await session.execute(found)).scalars() for one in busy]
    return clip(merge(parts), start, end)


async def claim_due(session: AsyncSession, limit: int, lease: timedelta) -> Rows:
    """Addresses whose time has come, each handed to one worker for the time of the lease."""
    due = select(imports.c.id).where(imports.c.due_at <= func.now()).order_by(imports.c.due_at).limit(limit)
    leased = update(imports).where(imports.c.id.in_(due.with_for_update(skip_locked=True)))
    return await rows(session, leased.values(due_at=func.now() + lease).returning(imports))


async def settle(session: AsyncSession, import_id: UUID, **values: Any) -> bool:
    """False when the import was removed meanwhile."""
    known = update(imports).where(imports.c.id == import_id).values(**values)
    return (await session.execute(known.returning(imports.c.id))).first() is not None


def later(seconds: float) -> Any:
    return func.now() + literal(timedelta(seconds=seconds))


def stored(busy: Sequence[Window], until: date) -> dict[str, Any]:
    return {"busy": [Range(start, end) for start, end in busy], "covers_until": until}
