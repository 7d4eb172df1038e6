"""Imported calendars: their addresses, their state, and the busy times read from them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.intervals import Interval, clip, merge
from services.calendar.models import imports
from services.calendar.rows import Row, Rows, fetch_all, fetch_first

MAX_IMPORTS = 5


async def imports_of(session: AsyncSession, loctician_id: UUID) -> Rows:
    own = select(imports).where(imports.c.loctician_id == loctician_id)
    return await fetch_all(session, own.order_by(imports.c.id).limit(MAX_IMPORTS))


async def add(session: AsyncSession, values: dict[str, Any]) -> Row:
    return dict((await session.execute(insert(imports).values(values).returning(imports))).mappings().one())


async def remove(session: AsyncSession, loctician_id: UUID, import_id: UUID) -> Row | None:
    """The row that was removed; None if there was none."""
    own = (imports.c.id == import_id) & (imports.c.loctician_id == loctician_id)
    return await fetch_first(session, delete(imports).where(own).returning(imports))


async def busy_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> list[Interval]:
    """Busy times of all of a loctician's imports, merged, and cut to start..end."""
    own = select(imports.c.busy).where(imports.c.loctician_id == loctician_id)
    ranges = [(time.lower, time.upper) for busy in (await session.execute(own)).scalars() for time in busy]
    return clip(merge(ranges), start, end)


async def lease_due(session: AsyncSession, limit: int, lease: timedelta) -> Rows:
    """Imports that are due for a fetch. No other worker gets them until the lease has passed."""
    due = select(imports.c.id).where(imports.c.due_at <= func.now()).order_by(imports.c.due_at).limit(limit)
    leased = update(imports).where(imports.c.id.in_(due.with_for_update(skip_locked=True)))
    return await fetch_all(session, leased.values(due_at=func.now() + lease).returning(imports))


async def store_result(session: AsyncSession, import_id: UUID, **values: Any) -> Row | None:
    """The row as it is then; None if the import was removed in the meantime."""
    stored = update(imports).where(imports.c.id == import_id).values(**values)
    return await fetch_first(session, stored.returning(imports))


async def rename(session: AsyncSession, loctician_id: UUID, import_id: UUID, name: str | None) -> Row | None:
    """The row that was renamed; None if there was none."""
    own = (imports.c.id == import_id) & (imports.c.loctician_id == loctician_id)
    return await fetch_first(session, update(imports).where(own).values(name=name).returning(imports))


async def next_version(session: AsyncSession, import_id: UUID, **values: Any) -> int:
    """Of the import's events. Stores `values` with it."""
    raised = update(imports).where(imports.c.id == import_id).values(version=imports.c.version + 1, **values)
    version: int = (await session.execute(raised.returning(imports.c.version))).scalar_one()
    return version


def from_now(seconds: float) -> Any:
    return func.now() + literal(timedelta(seconds=seconds))


def busy_values(busy: Sequence[Interval], until: date, unclear: Mapping[str, int]) -> dict[str, Any]:
    """`until`: the first date that was not read."""
    ranges = [Range(start, end) for start, end in busy]
    return {"busy": ranges, "valid_to": until - timedelta(days=1), "unclear": dict(unclear)}
