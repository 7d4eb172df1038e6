"""The cached portfolio: whose is due, what was fetched, what is shown."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import locticians, portfolio_media, portfolio_sources

sources = portfolio_sources.c


def media(loctician_id: UUID, fresh: timedelta) -> Select[Any]:
    own = portfolio_media.c
    return (
        select(portfolio_media)
        .where(own.loctician_id == loctician_id, own.fetched_at > func.now() - fresh)
        .order_by(own.place)
        .limit(100)
    )


async def set_source(session: AsyncSession, loctician_id: UUID, instagram_user_id: str | None) -> None:
    """Another account takes the media of the former with it."""
    mine = sources.loctician_id == loctician_id
    known = (await session.execute(select(sources.instagram_user_id).where(mine))).scalar_one_or_none()
    if known == instagram_user_id:
        return
    await session.execute(delete(portfolio_sources).where(mine))
    if instagram_user_id is not None:
        row = {"loctician_id": loctician_id, "instagram_user_id": instagram_user_id}
        await session.execute(insert(portfolio_sources).values(row))


async def claim_due(session: AsyncSession, lease: timedelta, limit: int) -> Sequence[Any]:
    """Sources to refresh, put off for the time of the lease so that no other replica fetches them meanwhile. Of who has
    left nothing more is fetched."""
    here = select(locticians.c.loctician_id).where(locticians.c.active)
    due = (
        select(sources.loctician_id)
        .where(sources.due_at <= func.now(), sources.loctician_id.in_(here))
        .order_by(sources.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(portfolio_sources)
        .where(sources.loctician_id.in_(due.scalar_subquery()))
        .values(due_at=func.now() + lease)
        .returning(sources.loctician_id, sources.instagram_user_id, sources.failures)
    )
    return (await session.execute(statement)).all()


async def put_off(
    session: AsyncSession, loctician_id: UUID, instagram_user_id: str, wait: timedelta, failures: int
) -> bool:
    """When the source is due again. False when the profile names another account by now."""
    statement = (
        update(portfolio_sources)
        .where(sources.loctician_id == loctician_id, sources.instagram_user_id == instagram_user_id)
        .values(due_at=func.now() + wait, failures=failures)
        .returning(sources.loctician_id)
    )
    return bool((await session.execute(statement)).all())


async def replace_media(session: AsyncSession, loctician_id: UUID, fetched: list[dict[str, Any]]) -> None:
    await session.execute(delete(portfolio_media).where(portfolio_media.c.loctician_id == loctician_id))
    if fetched:
        rows = [{"loctician_id": loctician_id, "place": place} | one for place, one in enumerate(fetched)]
        await session.execute(insert(portfolio_media), rows)
