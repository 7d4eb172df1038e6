"""Consents: every change a row, the newest of each purpose counts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import consents

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


async def one_at_a_time(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(ONE_AT_A_TIME, {"key": f"gdpr.consents {user_id}"})


async def current(session: AsyncSession, user_id: UUID) -> Sequence[Row[Any]]:
    newest = select(consents).where(consents.c.user_id == user_id).ext(distinct_on(consents.c.purpose))
    return (await session.execute(newest.order_by(consents.c.purpose, consents.c.version.desc()))).all()


async def add(session: AsyncSession, **values: Any) -> int:
    """The version of this change of the person's consent to the purpose."""
    before = select(func.coalesce(func.max(consents.c.version), 0) + 1).where(
        consents.c.user_id == values["user_id"], consents.c.purpose == values["purpose"]
    )
    added = insert(consents).values(**values, version=before.scalar_subquery()).returning(consents.c.version)
    return int((await session.execute(added)).scalar_one())


async def of_person(session: AsyncSession, user_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(select(consents).where(consents.c.user_id == user_id).order_by(consents.c.id))).all()


async def forget(session: AsyncSession, user_id: UUID) -> int:
    gone = delete(consents).where(consents.c.user_id == user_id)
    return (await session.execute(gone)).rowcount  # type: ignore[attr-defined,no-any-return]
