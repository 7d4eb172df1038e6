"""SQL of preferences (which channel for which topic) and of consents (projection of gdpr)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import consents, preferences
from services.notifications.rows import Row, fetch_first

LOCK_USER = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
Choices = dict[str, dict[str, bool]]  # topic -> channel -> wanted


async def find_choices(session: AsyncSession, user_ids: Iterable[UUID]) -> dict[UUID, Choices]:
    choices = select(preferences.c.user_id, preferences.c.choices).where(preferences.c.user_id.in_(set(user_ids)))
    return {row[0]: row[1] for row in await session.execute(choices)}


async def find_preferences(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row | None:
    """With `lock`, changes to one person's preferences are serialized, also while there is no row yet."""
    if lock:
        await session.execute(LOCK_USER, {"key": f"preferences {user_id}"})
    return await fetch_first(session, select(preferences).where(preferences.c.user_id == user_id))


async def put_preferences(session: AsyncSession, user_id: UUID, language: str | None, choices: Choices) -> None:
    values: dict[str, Any] = {"language": language, "choices": choices}
    upsert = insert(preferences).values(user_id=user_id, version=1, **values)
    changes = values | {"version": preferences.c.version + 1}
    await session.execute(upsert.on_conflict_do_update(index_elements=["user_id"], set_=changes))


async def delete_preferences(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(delete(preferences).where(preferences.c.user_id == user_id))


async def upsert_consent(session: AsyncSession, user_id: UUID, purpose: str, granted: bool, version: int) -> None:
    values = {"granted": granted, "version": version}
    upsert = insert(consents).values(user_id=user_id, purpose=purpose, **values)
    newer = consents.c.version < version
    keys = ["user_id", "purpose"]
    await session.execute(upsert.on_conflict_do_update(index_elements=keys, set_=values, where=newer))


async def find_consents(session: AsyncSession, user_ids: Iterable[UUID]) -> set[tuple[UUID, str]]:
    """Pairs of person and purpose for which the person has consented."""
    granted = select(consents.c.user_id, consents.c.purpose).where(
        consents.c.user_id.in_(set(user_ids)), consents.c.granted
    )
    return {(row[0], row[1]) for row in await session.execute(granted)}
