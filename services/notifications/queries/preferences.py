"""What people chose to hear, and how."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import preferences
from services.notifications.queries.rows import Row, found

Choices = dict[str, dict[str, bool]]


async def choices_of(session: AsyncSession, user_ids: Iterable[UUID]) -> dict[UUID, Choices]:
    chosen = select(preferences.c.user_id, preferences.c.choices).where(preferences.c.user_id.in_(set(user_ids)))
    return {row[0]: row[1] for row in await session.execute(chosen)}


async def preferences_of(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row | None:
    own = select(preferences).where(preferences.c.user_id == user_id)
    rows = await found(session, own.with_for_update() if lock else own)
    return rows[0] if rows else None


async def put_preferences(session: AsyncSession, user_id: UUID, language: str | None, choices: Choices) -> Row:
    values: dict[str, Any] = {"language": language, "choices": choices}
    put = insert(preferences).values(user_id=user_id, version=1, **values)
    newer = values | {"version": preferences.c.version + 1}
    put = put.on_conflict_do_update(index_elements=["user_id"], set_=newer)
    return dict((await session.execute(put.returning(preferences))).mappings().one())
