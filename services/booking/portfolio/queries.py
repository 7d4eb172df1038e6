"""SQL of the cached portfolios: which are due, the media fetched, the media shown."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import locticians
from services.booking.portfolio.tables import portfolio_media, portfolio_sources

sources = portfolio_sources.c


def media(loctician_id: UUID, max_age: timedelta) -> Select[Any]:
    columns = portfolio_media.c
    return (
        select(portfolio_media)
        .where(columns.loctician_id == loctician_id, columns.fetched_at > func.now() - max_age)
        .order_by(columns.place)
        .limit(100)
    )


async def set_source(session: AsyncSession, loctician_id: UUID, instagram_user_id: str | None) -> None:
    """Sets the Instagram account. If it changes, the media of the former account are deleted."""
    own = sources.loctician_id == loctician_id
    current = (await session.execute(select(sources.instagram_user_id).where(own))).scalar_one_or_none()
    if current == instagram_user_id:
        return
    await session.execute(delete(portfolio_sources).where(own))
    if instagram_user_id is not None:
        row = {"loctician_id": loctician_id, "instagram_user_id": instagram_user_id}
        await session.execute(insert(portfolio_sources).values(row))


async def claim_due(session: AsyncSession, lease: timedelta, limit: int) -> Sequence[Any]:
    """Sources of active locticians that are due. No other replica gets them until the lease has passed."""
    active = select(locticians.c.loctician_id).where(locticians.c.active)
    due = (
        select(sources.loctician_id)
        .where(sources.due_at <= func.now(), sources.loctician_id.in_(active))
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


async def schedule(
    session: AsyncSession, loctician_id: UUID, instagram_user_id: str, pause: timedelta, failures: int
) -> bool:
    """Sets when the source is due next. Returns False if the profile has another account by now."""
    statement = (
        update(portfolio_sources)
        .where(sources.loctician_id == loctician_id, sources.instagram_user_id == instagram_user_id)
        .values(due_at=func.now() + pause, failures=failures)
        .returning(sources.loctician_id)
    )
    return bool((await session.execute(statement)).all())


async def replace_media(session: AsyncSession, loctician_id: UUID, media: list[dict[str, Any]]) -> None:
    await session.execute(delete(portfolio_media).where(portfolio_media.c.loctician_id == loctician_id))
    if media:
        rows = [{"loctician_id": loctician_id, "place": place} | item for place, item in enumerate(media)]
        await session.execute(insert(portfolio_media), rows)
