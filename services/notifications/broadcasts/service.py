"""Broadcasts: one text to everybody or to one role. A worker dispatches it in batches."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.broadcasts import queries
from services.notifications.broadcasts.schemas import Broadcast, BroadcastRequest
from services.notifications.contacts.queries import next_recipients
from services.notifications.dispatch.messages import Message
from services.notifications.dispatch.service import dispatch
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
BATCH = 200  # recipients in one transaction
NOTIFICATION_TYPE = {"service": "broadcast", "marketing": "marketing"}


async def create_broadcast(session: AsyncSession, admin_id: UUID, request: BroadcastRequest, key: str | None) -> Answer:
    """Stores the broadcast; the worker dispatches it. The same key and body give the same broadcast.

    Raises IdempotencyKeyReused.
    """
    request_hash = fingerprint("broadcast", request.model_dump_json())
    return await once(session, admin_id, key, request_hash, lambda: _add(session, admin_id, request))


async def _add(session: AsyncSession, admin_id: UUID, request: BroadcastRequest) -> Answer:
    row = request.model_dump() | {"id": new_id(), "created_by": admin_id, "request_id": current().request_id}
    added = await queries.add_broadcast(session, row)
    shown = {name: added[name] for name in ("kind", "audience", "mail")}
    emit(session, BroadcastRequested(version=1, broadcast_id=added["id"], **shown))
    wake_workers_after_commit(session)
    return Broadcast.model_validate(added).model_dump(mode="json")


async def get_broadcast(session: AsyncSession, broadcast_id: UUID) -> Row:
    """Raises NotFound."""
    broadcast = await queries.find_broadcast(session, broadcast_id)
    if broadcast is None:
        raise NotFound
    return broadcast


async def run(runtime: Runtime) -> None:
    async def step() -> int:
        return await dispatch_next_batch(runtime.database)

    await repeat(step, POLL)


async def dispatch_next_batch(database: Database) -> int:
    """Dispatches one batch of the oldest unfinished broadcast. Returns 0 if there is none, else 1."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        broadcast = await queries.lock_unfinished(session)
        if broadcast is None:
            return 0
        role = None if broadcast["audience"] == "all" else broadcast["audience"]
        recipients = await next_recipients(session, role, broadcast["last_user_id"], BATCH)
        with bind(request_id=broadcast["request_id"]):
            count = await dispatch(session, _messages(broadcast, recipients))
        last = recipients[-1] if recipients else None
        await queries.record_progress(session, broadcast["id"], last, count, done=len(recipients) < BATCH)
        return 1


def _messages(broadcast: Row, recipients: list[UUID]) -> list[Message]:
    """All with one id, so that a batch is one realtime message."""
    message_id, reference = new_id(), {"broadcast_id": str(broadcast["id"])}
    app_data: dict[str, Any] = reference | {"title": broadcast["title"], "body": broadcast["body"]}
    return [
        Message(
            id=message_id,
            event_id=broadcast["id"],
            recipient_id=user_id,
            kind=NOTIFICATION_TYPE[broadcast["kind"]],
            part="person",
            mail_data=reference,
            app_data=app_data,
            in_app_only=not broadcast["mail"],
            request_id=broadcast["request_id"],
        )
        for user_id in recipients
    ]
