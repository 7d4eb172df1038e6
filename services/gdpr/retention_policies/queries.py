"""What admins have chosen to keep, and how the last runs went."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import retention_policies


async def chosen(session: AsyncSession) -> Sequence[Row[Any]]:
    return (await session.execute(select(retention_policies))).all()


async def choose(session: AsyncSession, service: str, policy: str, **values: Any) -> int:
    """The choice's new version."""
    key = {"service": service, "policy": policy}
    statement = insert(retention_policies).values(**key, **values, version=1)
    changed = statement.on_conflict_do_update(
        index_elements=list(key), set_=values | {"version": retention_policies.c.version + 1}
    )
    return int((await session.execute(changed.returning(retention_policies.c.version))).scalar_one())


async def ran(session: AsyncSession, service: str, policy: str, at: datetime, **counts: Any) -> None:
    key = {"service": service, "policy": policy}
    values = counts | {"run_at": at}
    statement = insert(retention_policies).values(**key, **values)
    older = retention_policies.c.run_at.is_(None) | (retention_policies.c.run_at <= at)
    await session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values, where=older))
