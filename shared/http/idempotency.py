"""Idempotency keys: a creating call that is repeated with its key gets the first answer again, for 24 hours.

A service declares `idempotency_keys = idempotency_table(metadata)` and wraps its creating use cases in `once`.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header
from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about, deleting
from shared.errors import IdempotencyKeyReused

Answer = dict[str, Any]
Hash = bytes | str

KEPT = timedelta(hours=24)
POLICY = deleting(
    "idempotency_keys",
    "idempotency_keys",
    purpose="operation",
    keep=KEPT,
    least=KEPT,
    most=timedelta(days=7),  # an expired key is never read
    where="created_at < :before",
)
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$", examples=["5f1c8a52-7d3e"]
    ),
]


def idempotency_table(metadata: MetaData, request_hash: TypeEngine[Any] | None = None) -> Table:
    """The requests that callers sent with a key, and the answers they got."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("caller", Uuid, primary_key=True, info=PSEUDONYMOUS),
        Column("key", Text, primary_key=True, info=PSEUDONYMOUS),
        Column("request_hash", request_hash or LargeBinary(), nullable=False, info=PSEUDONYMOUS),
        Column("answer", JSONB, info=PERSONAL),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), info=NONE),
        Index("idempotency_keys_by_age", "created_at"),
        info=about(purpose="operation", keep=POLICY.name),
    )


# Waits for a call with the same key that is in progress. A key that has expired can be used again.
CLAIM = text("""
    INSERT INTO idempotency_keys AS k (caller, key, request_hash) VALUES (:caller, :key, :request_hash)
    ON CONFLICT (caller, key) DO UPDATE SET request_hash = excluded.request_hash, answer = NULL, created_at = now()
    WHERE k.created_at <= now() - CAST(:kept AS interval) RETURNING 1
""")
FIND = text("""
    SELECT request_hash, answer FROM idempotency_keys
    WHERE caller = :caller AND key = :key AND created_at > now() - CAST(:kept AS interval)
""")
STORE = text("UPDATE idempotency_keys SET answer = CAST(:answer AS jsonb) WHERE caller = :caller AND key = :key")


def fingerprint(*parts: str | bytes) -> bytes:
    """A hash of the request. Each part goes in with its length, so that different parts never give the same hash."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in encoded)).digest()


async def once(
    session: AsyncSession, caller: UUID, key: str | None, request: Hash, act: Callable[[], Awaitable[Answer]]
) -> Answer:
    """The stored answer, or else that of `act`, which is stored. Errors are not stored. Raises IdempotencyKeyReused."""
    if key is None:
        return await act()
    if not await _claim(session, caller, key, request):
        earlier = await stored_answer(session, caller, key, request)
        if earlier is not None:
            return earlier
    answer = await act()
    values = {"caller": caller, "key": key, "answer": orjson.dumps(answer, default=str).decode()}
    await session.execute(STORE, values)
    return answer


async def stored_answer(session: AsyncSession, caller: UUID, key: str | None, request: Hash) -> Answer | None:
    """The answer of an earlier call with this key and request; None without a key. Raises IdempotencyKeyReused."""
    if key is None:
        return None
    row = (await session.execute(FIND, {"caller": caller, "key": key, "kept": KEPT})).one_or_none()
    if row is None:
        return None
    if row.request_hash != request:
        raise IdempotencyKeyReused
    answer: Answer | None = row.answer
    return answer


async def _claim(session: AsyncSession, caller: UUID, key: str, request: Hash) -> bool:
    values = {"caller": caller, "key": key, "request_hash": request, "kept": KEPT}
    return bool((await session.execute(CLAIM, values)).all())
