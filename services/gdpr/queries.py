"""The SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import audit_log

Row = Mapping[str, Any]
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('gdpr.audit_log', 0))")


async def add(session: AsyncSession, row: Row) -> None:
    """Until the commit nobody else adds: ids are in the order of the commits, and nothing appears behind a reader."""
    await session.execute(ONE_AT_A_TIME)
    await session.execute(insert(audit_log).values(**row))


async def page(
    session: AsyncSession,
    conditions: Mapping[str, Any],
    start: datetime | None,
    end: datetime | None,
    before: int | None,
    limit: int,
) -> Sequence[Row]:
    """Newest first; a condition that is None does not count."""
    wanted: list[ColumnElement[bool]] = [
        audit_log.c[name] == value for name, value in conditions.items() if value is not None
    ]
    if start is not None:
        wanted.append(audit_log.c.occurred_at >= start)
    if end is not None:
        wanted.append(audit_log.c.occurred_at < end)
    if before is not None:
        wanted.append(audit_log.c.id < before)
    found = select(audit_log).where(*wanted).order_by(audit_log.c.id.desc()).limit(limit)
    return [dict(row) for row in (await session.execute(found)).mappings()]
