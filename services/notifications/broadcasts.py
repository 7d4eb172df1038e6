"""Broadcasts: one text to everybody or to a role, told in batches by a worker."""

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import queries
from services.notifications.events import BroadcastRequested
from services.notifications.messages import Message
from services.notifications.queries import Row
from services.notifications.schemas import BroadcastRequest
from services.notifications.telling import tell
from services.notifications.wake import repeat, wake_after_commit
from shared.app import Runtime
from shared.auth import SERVICE_CLAIMS
from shared.context import bind, current
from shared.db import Database, transaction
from shared.errors import NotFound
from shared.events import emit, new_id
from shared.idempotency import IdempotencyKeyReused

POLL = 5.0  # seconds
BATCH = 200  # people told in one transaction


async def begin(session: AsyncSession, who: UUID, asked: BroadcastRequest, key: str | None) -> Row:
    """Written down and no more; the worker tells people. The same key and body is the same broadcast. Raises
    IdempotencyKeyReused."""
    digest = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
    row = {
        "id": new_id(),
        "title": asked.title.model_dump(),
        "body": asked.body.model_dump(),
        "audience": asked.audience,
        "mail": asked.mail,
        "created_by": who,
        "idempotency_key": key,
        "request_hash": digest,
        "request_id": current().request_id,
    }
    added = await queries.add_broadcast(session, row)
    if added is None:
        assert key is not None  # noqa: S101 - only a key can be there already
        added = await queries.broadcast_under(session, who, key)
        if added["request_hash"] != digest:
            raise IdempotencyKeyReused
        return added
    emit(session, BroadcastRequested(version=1, broadcast_id=added["id"], audience=asked.audience, mail=asked.mail))
    wake_after_commit(session)
    return added


async def get(session: AsyncSession, broadcast_id: UUID) -> Row:
    found = await queries.broadcast(session, broadcast_id)
    if found is None:
        raise NotFound
    return found


async def run(runtime: Runtime) -> None:
    async def step() -> int:
        return await tell_next(runtime.database)

    await repeat(step, POLL)


async def tell_next(database: Database) -> int:
    """One batch of the oldest broadcast that is not done. Returns how much was done, so that 0 means nothing waits."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        broadcast = await queries.unfinished(session)
        if broadcast is None:
            return 0
        role = None if broadcast["audience"] == "all" else broadcast["audience"]
        people = await queries.next_people(session, role, broadcast["last_user"], BATCH)
        with bind(request_id=broadcast["request_id"]):
            await tell(session, _messages(broadcast, people))
        last = people[-1] if people else None
        await queries.come_to(session, broadcast["id"], last, len(people), done=len(people) < BATCH)
        return 1


def _messages(broadcast: Row, people: list[UUID]) -> list[Message]:
    """Under one id for all of the batch, so that it is one realtime message."""
    message_id, reference = new_id(), {"broadcast_id": str(broadcast["id"])}
    shown: dict[str, Any] = reference | {"title": broadcast["title"], "body": broadcast["body"]}
    return [
        Message(
            id=message_id,
            event_id=broadcast["id"],
            recipient_id=user_id,
            kind="broadcast",
            part="person",
            facts=reference,
            shown=shown,
            only_inside=not broadcast["mail"],
            request_id=broadcast["request_id"],
        )
        for user_id in people
    ]
