"""Every event becomes a row of the audit: an action is audited because it emits."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr import queries
from services.gdpr.facts import facts_of
from shared.subscriptions import Received, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on("#", dict[str, Any])
async def record(session: AsyncSession, event: Received[dict[str, Any]]) -> None:
    row = {
        "event_id": event.id,
        "occurred_at": event.time,
        "source": event.source,
        "action": event.type,
        "entity": event.subject,
        "entity_version": event.version,
        "actor_id": event.actor_id,
        "actor_role": event.actor_role,
        "request_id": event.request_id,
        "facts": facts_of(event.type, event.data),
    }
    await queries.record(session, row)
