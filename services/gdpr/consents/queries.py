"""Consents: a row for each change. The newest row of each purpose is valid."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import consents

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


async def lock(session: AsyncSession, user_id: UUID) -> None:
    """Holds a person's consents until the commit."""
    await session.execute(LOCK, {"key": f"gdpr.consents {user_id}"})


async def current(session: AsyncSession, user_id: UUID) -> Sequence[Row[Any]]:
    newest = select(consents).where(consents.c.user_id == user_id).ext(distinct_on(consents.c.purpose))
    return (await session.execute(newest.order_by(consents.c.purpose, consents.c.version.desc()))).all()


async def in_force(session: AsyncSession, after: str | None, limit: int, since: datetime | None) -> Sequence[Row[Any]]:
    """The newest answers of all people by person and purpose. `after`: both of the last row read."""
    newest = select(consents).ext(distinct_on(consents.c.user_id, consents.c.purpose))
    if after is not None:
        user_id, _, purpose = after.partition(" ")
        newest = newest.where(tuple_(consents.c.user_id, consents.c.purpose) > tuple_(UUID(user_id), purpose))
    if since is not None:
        newest = newest.where(consents.c.at >= since)
    ordered = newest.order_by(consents.c.user_id, consents.c.purpose, consents.c.version.desc())
    return (await session.execute(ordered.limit(limit))).all()


async def add(session: AsyncSession, **values: Any) -> int:
    """Returns the version: the number of changes of this person's consent to this purpose."""
    version = select(func.coalesce(func.max(consents.c.version), 0) + 1).where(
        consents.c.user_id == values["user_id"], consents.c.purpose == values["purpose"]
    )
    added = insert(consents).values(**values, version=version.scalar_subquery()).returning(consents.c.version)
    return int((await session.execute(added)).scalar_one())


async def history(session: AsyncSession, user_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(select(consents).where(consents.c.user_id == user_id).order_by(consents.c.id))).all()


async def delete_consents(session: AsyncSession, user_id: UUID) -> int:
    """Returns the number of rows deleted."""
    own = delete(consents).where(consents.c.user_id == user_id)
    return (await session.execute(own)).rowcount  # type: ignore[attr-defined,no-any-return]
