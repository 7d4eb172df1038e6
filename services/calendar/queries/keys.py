"""Idempotency keys: what a caller asked under a key, and what was answered."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import idempotency_keys as keys
from services.calendar.queries.common import Row, first

KEPT = timedelta(hours=24)


async def claim(session: AsyncSession, caller: UUID, key: str, request_hash: bytes) -> bool:
    """Whether the key is free for this request. Waits for one that is just being answered under it."""
    fresh = {"request_hash": request_hash, "answer": None, "created_at": func.now()}
    added = upsert(keys).values({"caller": caller, "key": key, **fresh})
    claimed = added.on_conflict_do_update(
        index_elements=["caller", "key"], set_=fresh, where=keys.c.created_at < func.now() - KEPT
    )
    return (await session.execute(claimed.returning(keys.c.key))).first() is not None


async def find(session: AsyncSession, caller: UUID, key: str) -> Row | None:
    mine = (keys.c.caller == caller) & (keys.c.key == key) & (keys.c.created_at >= func.now() - KEPT)
    return await first(session, select(keys.c.request_hash, keys.c.answer).where(mine))


async def keep(session: AsyncSession, caller: UUID, key: str, answer: dict[str, Any]) -> None:
    mine = (keys.c.caller == caller) & (keys.c.key == key)
    await session.execute(update(keys).where(mine).values(answer=answer))


async def forget(session: AsyncSession) -> None:
    await session.execute(delete(keys).where(keys.c.created_at < func.now() - KEPT))
