"""People's rights: an export or an erasure is asked of every service by event, and followed until all have answered."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.data_subject_requests import queries
from services.gdpr.data_subject_requests.serializers import data_subject_request
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.principals import Principal
from shared.privacy.events import audit_read

Answer = dict[str, Any]


SOON, LATER, SOON_ENDS = 2, 30, 60  # seconds


def seconds_to_retry(request: Mapping[str, Any]) -> int:
    """Seconds until it is worth asking again: answers come at once, or when a service is up again."""
    waited = (datetime.now(UTC) - request["requested_at"]).total_seconds()
    return SOON if waited < SOON_ENDS else LATER


async def listed(
    session: AsyncSession, reader: Principal, conditions: Mapping[str, Any], cursor: str | None, limit: int
) -> Answer:
    """Newest first. Raises BadCursor."""
    before = None if cursor is None else tuple(decode_cursor(cursor, datetime, UUID))
    rows = await queries.page(session, conditions, before, limit + 1)
    shown = rows[:limit]
    audit_read(session, reader, "gdpr.requests", [row.subject_id for row in shown])
    more = encode_cursor(shown[-1].requested_at, shown[-1].id) if len(rows) > limit else None
    return {"items": await with_parts(session, shown), "next_cursor": more}


async def shown(session: AsyncSession, reader: Principal, request_id: UUID) -> Answer:
    """Raises NotFound."""
    found = await queries.one(session, request_id)
    if found is None:
        raise NotFound
    audit_read(session, reader, "gdpr.requests", [found.subject_id])
    return (await with_parts(session, [found]))[0]


async def with_parts(session: AsyncSession, found: Iterable[Row[Any] | None]) -> list[Answer]:
    rows = [row for row in found if row is not None]
    parts = await queries.parts(session, [row.id for row in rows])
    return [data_subject_request(row, [part for part in parts if part.request_id == row.id]) for row in rows]
