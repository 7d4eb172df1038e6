from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import idempotency_keys


async def first_answer(session: AsyncSession, caller: UUID, key: str, request_hash: str) -> dict[str, Any] | None:
    """Claims the key; None when this call is the first. Waits while another with the same key is under way."""
    found: dict[str, Any] | None = (
        await session.execute(
            select(func.booking.first_answer(caller, key, request_hash, type_=idempotency_keys.c.answer.type))
        )
    ).scalar_one()
    return found


async def keep_answer(session: AsyncSession, caller: UUID, key: str, answer: dict[str, Any]) -> None:
    own = (idempotency_keys.c.caller == caller) & (idempotency_keys.c.key == key)
    await session.execute(update(idempotency_keys).where(own).values(answer=answer))


async def forget_keys(session: AsyncSession, older_than: timedelta) -> None:
    await session.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < func.now() - older_than))
