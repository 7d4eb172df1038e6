"""The audit log: every event becomes one row that says who did what, to what, and when."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import audit_fields, hash_chain, queries
from shared.errors import BadCursor
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.principals import Principal
from shared.messaging.subscriptions import Received
from shared.privacy.events import audit_read

LAST_ID = 2**63 - 1


async def record(session: AsyncSession, event: Received[dict[str, Any]]) -> None:
    kept = audit_fields.kept(event.type, event.data)
    await hash_chain.append(
        session,
        {
            "event_id": event.id,
            "occurred_at": event.time,
            "action": event.type,
            "entity": audit_fields.code(event.subject),
            "entity_version": event.version,
            "actor_id": audit_fields.code(event.actor_id),
            "actor_role": audit_fields.code(event.actor_role),
            "people": audit_fields.people(event.subject, kept),
            "request_id": event.request_id,
            "source": event.source,
            "data": kept,
        },
    )


async def shown(
    session: AsyncSession,
    reader: Principal,
    conditions: Mapping[str, Any],
    between: tuple[datetime | None, datetime | None],
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """What an admin looks at, and a note of it when it is about somebody. Raises BadCursor."""
    about = [conditions[name] for name in ("actor_id", "entity", "person") if conditions.get(name)]
    audit_read(session, reader, "audit", [UUID(one) for one in about if audit_fields.is_id(one)])
    return await listed(session, conditions, between, cursor, limit)


async def every(session: AsyncSession, conditions: Mapping[str, Any], most: int) -> AsyncIterator[Mapping[str, Any]]:
    """Up to `most` rows, newest first."""
    before: int | None = None
    while most > 0:
        rows = await queries.page(session, conditions, None, None, before, min(most, hash_chain.BATCH))
        for row in rows:
            yield row
        if not rows:
            return
        before, most = rows[-1]["id"], most - len(rows)


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
