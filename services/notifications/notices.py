"""The in-app inbox: what a person is told beside mails, theirs alone."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import mails, queries
from services.notifications.queries import Row
from shared.errors import NotFound
from shared.schemas import decode_cursor, encode_cursor


async def listed(
    session: AsyncSession, user_id: UUID, after: UUID | None, cursor: str | None, limit: int, language: str
) -> dict[str, Any]:
    """Newest first; with `after` only those later than that notice or realtime message."""
    before = decode_cursor(cursor, UUID)[0] if cursor else None
    rows = await queries.notices_page(session, user_id, after, before, limit + 1)
    more = encode_cursor(str(rows[limit - 1]["id"])) if len(rows) > limit else None
    return {"items": [_answer(row, language) for row in rows[:limit]], "next_cursor": more}


async def read(session: AsyncSession, user_id: UUID, notice_id: UUID, language: str) -> dict[str, Any]:
    """The first reading counts. Raises NotFound, also for somebody else's."""
    row = await queries.mark_read(session, user_id, notice_id)
    if row is None:
        raise NotFound
    return _answer(row, language)


def _answer(row: Row, language: str) -> dict[str, Any]:
    start = mails.instant(row["data"]["start"])
    return {**row, "title": mails.title(row["kind"], row["part"], start, language)}
