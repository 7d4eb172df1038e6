"""A creating call under an Idempotency-Key is done once; the same key and body get the first answer again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.errors import refusal_of
from services.booking.queries import keys
from shared.auth import Principal

Answer = dict[str, Any]


async def once(
    session: AsyncSession,
    who: Principal,
    key: str | None,
    call: str,
    asked: BaseModel,
    create: Callable[[], Awaitable[Answer]],
) -> Answer:
    """`call` names the call, so that one key cannot serve two. Raises IdempotencyKeyReused for another body."""
    if key is None:
        return await create()
    request_hash = hashlib.sha256(call.encode() + asked.model_dump_json().encode()).hexdigest()
    try:
        first = await keys.first_answer(session, who.id, key, request_hash)
    except DBAPIError as error:
        raise (refusal_of(error) or error) from error
    if first is not None:
        return first
    answer = await create()
    await keys.keep_answer(session, who.id, key, answer)
    return answer
