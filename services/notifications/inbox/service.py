"""The in-app inbox: what a person is told beside mails, theirs alone.

A realtime message stands here under its own id, so a client that gives the id of the last one it saw as `after` gets
all that came later, oldest first.
"""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.inbox import queries
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering.texts import title
from services.notifications.rows import Row
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, encode_cursor


async def list_notices(
    session: AsyncSession, user_id: UUID, after: UUID | None, cursor: str | None, limit: int, language: str
) -> dict[str, Any]:
    """Newest first; with `after`, a message's or notice's id, only what came later, oldest first."""
    place: int | None = decode_cursor(cursor, int)[0] if cursor else None
    if after is None:
        rows = await queries.list_notices(session, user_id, above=None, below=place, limit=limit + 1)
    else:
        above = place if place is not None else await _position(session, user_id, after)
        rows = await queries.list_notices(session, user_id, above=above, below=None, limit=limit + 1)
    more = encode_cursor(rows[limit - 1]["position"]) if len(rows) > limit else None
    return {"items": [_answer(row, language) for row in rows[:limit]], "next_cursor": more}


async def _position(session: AsyncSession, user_id: UUID, message_id: UUID) -> int:
    position = await queries.position_of(session, user_id, message_id)
    return await queries.position_before(session, user_id, message_id) if position is None else position


async def mark_read(session: AsyncSession, user_id: UUID, notice_id: UUID, language: str) -> dict[str, Any]:
    """The first reading counts. Raises NotFound, also for somebody else's."""
    row = await queries.mark_read(session, user_id, notice_id)
    if row is None:
        raise NotFound
    return _answer(row, language)


def _answer(row: Row, language: str) -> dict[str, Any]:
    heading = title(row["kind"], row["part"], row["data"], language)
    return {**row, "type": NOTIFICATION_TYPES[row["kind"]].type, "title": heading}
