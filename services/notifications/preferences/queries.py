"""What people chose to hear and how, and what they consented to."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import consents, preferences
from services.notifications.rows import Row, fetch_all

TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))")
Choices = dict[str, dict[str, bool]]


async def find_choices(session: AsyncSession, user_ids: Iterable[UUID]) -> dict[UUID, Choices]:
    chosen = select(preferences.c.user_id, preferences.c.choices).where(preferences.c.user_id.in_(set(user_ids)))
    return {row[0]: row[1] for row in await session.execute(chosen)}


async def find_preferences(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row | None:
    """`lock`: those who change them take turns, also while there is no row yet."""
    if lock:
        await session.execute(TAKE_TURN, {"turn": f"preferences {user_id}"})
    rows = await fetch_all(session, select(preferences).where(preferences.c.user_id == user_id))
    return rows[0] if rows else None


async def put_preferences(session: AsyncSession, user_id: UUID, language: str | None, choices: Choices) -> Row:
    values: dict[str, Any] = {"language": language, "choices": choices}
    put = insert(preferences).values(user_id=user_id, version=1, **values)
    newer = values | {"version": preferences.c.version + 1}
    put = put.on_conflict_do_update(index_elements=["user_id"], set_=newer)
    return dict((await session.execute(put.returning(preferences))).mappings().one())


async def upsert_consent(session: AsyncSession, user_id: UUID, purpose: str, granted: bool, version: int) -> None:
    """The newest version of what a person said."""
    values = {"granted": granted, "version": version}
    put = insert(consents).values(user_id=user_id, purpose=purpose, **values)
    newest = consents.c.version < version
    await session.execute(put.on_conflict_do_update(index_elements=["user_id", "purpose"], set_=values, where=newest))


async def find_consents(session: AsyncSession, user_ids: Iterable[UUID]) -> set[tuple[UUID, str]]:
    """Who has consented to what."""
    given = select(consents.c.user_id, consents.c.purpose).where(
        consents.c.user_id.in_(set(user_ids)), consents.c.granted
    )
    return {(row[0], row[1]) for row in await session.execute(given)}
