"""Lists and shows data subject requests: exports (GDPR Art. 15, 20) and erasures (Art. 17)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.data_subject_requests import queries
from services.gdpr.data_subject_requests.serializers import data_subject_request
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, page
from shared.identity.principals import Principal
from shared.privacy.events import audit_read

Request = dict[str, Any]
FAST_SECONDS, SLOW_SECONDS = 2, 30  # services answer at once, or when they are up again
FAST_PERIOD = 60  # seconds


def seconds_to_retry(request: Mapping[str, Any]) -> int:
    """Seconds until the caller should ask again."""
    waited = (datetime.now(UTC) - request["requested_at"]).total_seconds()
    return FAST_SECONDS if waited < FAST_PERIOD else SLOW_SECONDS


async def list_requests(
    session: AsyncSession, principal: Principal, conditions: Mapping[str, Any], cursor: str | None, limit: int
) -> dict[str, Any]:
    """A page, newest first; audited. Raises BadCursor."""
    before = None if cursor is None else tuple(decode_cursor(cursor, datetime, UUID))
    rows = await queries.page(session, conditions, before, limit + 1)
    shown = page(rows, limit, key=lambda row: [row.requested_at, row.id])
    audit_read(session, principal, "gdpr.requests", [row.subject_id for row in shown["items"]])
    return shown | {"items": await _with_parts(session, shown["items"])}


async def get_request(session: AsyncSession, principal: Principal, request_id: UUID) -> Request:
    """Audited. Raises NotFound."""
    row = await queries.find(session, request_id)
    if row is None:
        raise NotFound
    audit_read(session, principal, "gdpr.requests", [row.subject_id])
    return (await _with_parts(session, [row]))[0]


async def latest_request(session: AsyncSession, kind: str, subject_id: UUID) -> Request:
    """The person's newest request of this kind. Raises NotFound."""
    row = await queries.latest(session, kind, subject_id)
    if row is None:
        raise NotFound
    return (await _with_parts(session, [row]))[0]


async def _with_parts(session: AsyncSession, rows: Sequence[Row[Any]]) -> list[Request]:
    parts = await queries.parts_of(session, [row.id for row in rows])
    return [data_subject_request(row, [part for part in parts if part.request_id == row.id]) for row in rows]
