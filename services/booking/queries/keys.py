from datetime import timedelta

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import idempotency_keys


async def forget_keys(session: AsyncSession, older_than: timedelta) -> None:
    await session.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < func.now() - older_than))
