"""Broadcasts: one text to everybody or to a role, told in batches by a worker."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.broadcasts import queries
from services.notifications.broadcasts.schemas import Broadcast, BroadcastRequest
from services.notifications.contacts.queries import next_recipients
from services.notifications.dispatch.messages import Message
from services.notifications.dispatch.service import tell
from services.notifications.events import BroadcastRequested
from services.notifications.rows import Row
from services.notifications.workers import repeat, wake_workers_after_commit
from shared.database.session import Database, transaction
from shared.errors import NotFound
from shared.http.app import Runtime
from shared.http.idempotency import Answer, fingerprint, once
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import emit, new_id
from shared.observability.context import bind, current

POLL = 5.0  # seconds
BATCH = 200  # people told in one transaction
KINDS_OF = {"service": "broadcast", "marketing": "marketing"}


async def create_broadcast(session: AsyncSession, who: UUID, asked: BroadcastRequest, key: str | None) -> Answer:
    """Written down and no more; the worker tells people. The same key and body is the same broadcast. Raises
    IdempotencyKeyReused."""
    request = fingerprint("broadcast", asked.model_dump_json())
    return await once(session, who, key, request, lambda: _add(session, who, asked))


async def _add(session: AsyncSession, who: UUID, asked: BroadcastRequest) -> Answer:
    row = asked.model_dump() | {"id": new_id(), "created_by": who, "request_id": current().request_id}
    added = await queries.add_broadcast(session, row)
    told = {name: added[name] for name in ("kind", "audience", "mail")}
    emit(session, BroadcastRequested(version=1, broadcast_id=added["id"], **told))
    wake_workers_after_commit(session)
    return Broadcast.model_validate(added).model_dump(mode="json")


async def get_broadcast(session: AsyncSession, broadcast_id: UUID) -> Row:
    found = await queries.broadcast(session, broadcast_id)
    if found is None:
        raise NotFound
    return found


async def run(runtime: Runtime) -> None:
    async def step() -> int:
        return await dispatch_next_batch(runtime.database)

    await repeat(step, POLL)


async def dispatch_next_batch(database: Database) -> int:
    """One batch of the oldest broadcast that is not done. Returns how much was done, so that 0 means nothing waits."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        broadcast = await queries.lock_unfinished(session)
        if broadcast is None:
            return 0
        role = None if broadcast["audience"] == "all" else broadcast["audience"]
        people = await next_recipients(session, role, broadcast["last_user"], BATCH)
        with bind(request_id=broadcast["request_id"]):
            told = await tell(session, _messages(broadcast, people))
        last = people[-1] if people else None
        await queries.record_progress(session, broadcast["id"], last, told, done=len(people) < BATCH)
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
            kind=KINDS_OF[broadcast["kind"]],
            part="person",
            facts=reference,
            shown=shown,
            only_inside=not broadcast["mail"],
            request_id=broadcast["request_id"],
        )
        for user_id in people
    ]
