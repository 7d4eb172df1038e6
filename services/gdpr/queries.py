from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import audit_log


async def record(session: AsyncSession, row: Mapping[str, Any]) -> None:
    await session.execute(insert(audit_log).values(**row))


async def page(session: AsyncSession, filters: Mapping[str, Any], after: int | None, limit: int) -> Any:
    """Newest first."""
    columns = audit_log.c
    tests = {
        "actor": lambda value: columns.actor_id == value,
        "entity": lambda value: columns.entity == value,
        "action": lambda value: columns.action == value,
        "from": lambda value: columns.occurred_at >= value,
        "to": lambda value: columns.occurred_at < value,
    }
    statement = select(audit_log).where(*(tests[name](value) for name, value in filters.items() if value is not None))
    if after is not None:
        statement = statement.where(columns.id < after)
    return (await session.execute(statement.order_by(columns.id.desc()).limit(limit))).all()
