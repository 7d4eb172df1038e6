"""Idempotency keys: a call that is made again under its key is answered as the first time, for 24 hours."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.errors import IdempotencyKeyReused
from services.calendar.queries import keys

Answer = dict[str, Any]


def fingerprint(*parts: str | bytes) -> bytes:
    """Of what was asked: each part by its length and content, so that two requests never look alike."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in encoded)).digest()


async def once(
    session: AsyncSession, caller: UUID, key: str | None, request: bytes, act: Callable[[], Awaitable[Answer]]
) -> Answer:
    """What was answered before, else what `act` answers now. A refusal is not kept. Raises IdempotencyKeyReused."""
    if key is None:
        return await act()
    if not await keys.claim(session, caller, key, request):
        earlier = await answered(session, caller, key, request)
        if earlier is not None:
            return earlier
    answer = await act()
    await keys.keep(session, caller, key, answer)
    return answer


async def answered(session: AsyncSession, caller: UUID, key: str | None, request: bytes) -> Answer | None:
    """What was answered before. Raises IdempotencyKeyReused."""
    found = await keys.find(session, caller, key) if key else None
    if found is None:
        return None
    if bytes(found["request_hash"]) != request:
        raise IdempotencyKeyReused
    answer: Answer | None = found["answer"]
    return answer
