"""The in-app inbox: notices to one person, which only that person can read.

A notice has the id of the realtime message that said the same. A client that sends the id of the last message it saw
as `after` gets everything later, oldest first.
"""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.inbox import queries
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering.texts import render_title
from services.notifications.rows import Row
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, page


async def list_notices(
    session: AsyncSession, user_id: UUID, after: UUID | None, cursor: str | None, limit: int, language: str
) -> dict[str, Any]:
    """Newest first; with `after`, the id of a notice or realtime message, only later ones, oldest first."""
    position: int | None = decode_cursor(cursor, int)[0] if cursor else None
    if after is None:
        rows = await queries.list_notices(session, user_id, above=None, below=position, limit=limit + 1)
    else:
        above = position if position is not None else await _position(session, user_id, after)
        rows = await queries.list_notices(session, user_id, above=above, below=None, limit=limit + 1)
    return page(rows, limit, lambda row: [row["position"]], partial(_notice, language=language))


async def _position(session: AsyncSession, user_id: UUID, message_id: UUID) -> int:
    position = await queries.find_position(session, user_id, message_id)
    return await queries.position_before(session, user_id, message_id) if position is None else position


async def mark_read(session: AsyncSession, user_id: UUID, notice_id: UUID, language: str) -> dict[str, Any]:
    """Keeps the time of the first call. Raises NotFound, also for somebody else's notice."""
    row = await queries.mark_read(session, user_id, notice_id)
    if row is None:
        raise NotFound
    return _notice(row, language=language)


def _notice(row: Row, *, language: str) -> dict[str, Any]:
    title = render_title(row["kind"], row["part"], row["data"], language)
    return {**row, "type": NOTIFICATION_TYPES[row["kind"]].type, "title": title}
