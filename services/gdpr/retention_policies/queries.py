"""Retention policies: the periods that admins have chosen, and the results of the last runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import retention_policies


async def stored_policies(session: AsyncSession) -> Sequence[Row[Any]]:
    return (await session.execute(select(retention_policies))).all()


async def put_period(session: AsyncSession, service: str, policy: str, **values: Any) -> int:
    """Returns the new version of the policy's period."""
    key = {"service": service, "policy": policy}
    added = insert(retention_policies).values(**key, **values, version=1)
    changed = added.on_conflict_do_update(
        index_elements=list(key), set_=values | {"version": retention_policies.c.version + 1}
    )
    return int((await session.execute(changed.returning(retention_policies.c.version))).scalar_one())


async def put_result(session: AsyncSession, service: str, policy: str, run_at: datetime, **counts: Any) -> None:
    """Stores the result of a run, unless a later run's is stored."""
    key = {"service": service, "policy": policy}
    values = counts | {"run_at": run_at}
    added = insert(retention_policies).values(**key, **values)
    older = retention_policies.c.run_at.is_(None) | (retention_policies.c.run_at <= run_at)
    await session.execute(added.on_conflict_do_update(index_elements=list(key), set_=values, where=older))
