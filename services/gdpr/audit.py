"""The audit log: every event becomes one row that says who did what, to what, and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr import facts, queries
from shared.schemas import BadCursor, decode_cursor, encode_cursor
from shared.subscriptions import Received

LAST_ID = 2**63 - 1


async def record(session: AsyncSession, event: Received[dict[str, Any]]) -> None:
    await queries.add(
        session,
        {
            "event_id": event.id,
            "occurred_at": event.time,
            "action": event.type,
            "entity": facts.code(event.subject),
            "entity_version": event.version,
            "actor_id": facts.code(event.actor_id),
            "actor_role": facts.code(event.actor_role),
            "request_id": event.request_id,
            "source": event.source,
            "data": facts.kept(event.type, event.data),
        },
    )


async def listed(
    session: AsyncSession,
    conditions: Mapping[str, Any],
    between: tuple[datetime | None, datetime | None],
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """Newest first. Raises BadCursor."""
    rows = await queries.page(session, conditions, *between, _before(cursor), limit + 1)
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return {"items": rows[:limit], "next_cursor": more}


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (last,) = decode_cursor(cursor, int)
    if not 0 < last <= LAST_ID:
        raise BadCursor
    return int(last)
