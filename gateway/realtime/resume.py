"""What a client missed while it was away: from the in-app inbox, fetched with the client's own token."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from pydantic import BaseModel, ValidationError

from gateway.metrics import RESUMED
from gateway.realtime.hub import Message
from gateway.upstream.client import Upstream, UpstreamError
from shared.messaging.events import new_id
from shared.observability.log import logger

PATH = "/api/v1/notifications"
PAGE, MOST_PAGES = 100, 2
SECONDS = 5.0
AT_MOST = 1_048_576

log = logger(__name__)


class Notice(BaseModel):
    id: str
    type: str
    data: dict[str, Any]
    created_at: str


class Page(BaseModel):
    items: list[Notice]
    next_cursor: str | None = None


class ResyncError(Exception):
    """What was missed cannot be sent; the client is told to load everything anew, and why."""


class Inbox:
    def __init__(self, notifications: Upstream) -> None:
        self._notifications = notifications

    async def missed(self, token: str | None, last_event_id: str, *, kept: bool = True) -> list[Message]:
        """Oldest first; a single `resync` when it is too much, cannot be had, or was not kept."""
        try:
            found = [_message(notice) for notice in await self._since(token, last_event_id, kept=kept)]
        except ResyncError as error:
            RESUMED.labels(str(error)).inc()
            return [resync(str(error))]
        RESUMED.labels("resumed").inc()
        return found

    async def _since(self, token: str | None, last_event_id: str, *, kept: bool) -> list[Notice]:
        if not kept:
            raise ResyncError("not_kept")
        if token is None:
            raise ResyncError("needs_token")
        try:
            after = UUID(last_event_id)
        except ValueError as error:
            raise ResyncError("unknown_event") from error
        notices: list[Notice] = []
        query = {"after": str(after), "limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            page = await self._page(token, query)
            notices += page.items
            if page.next_cursor is None:
                return notices
            query["cursor"] = page.next_cursor
        raise ResyncError("missed_too_much")

    async def _page(self, token: str, query: dict[str, str]) -> Page:
        headers = [(b"authorization", b"Bearer " + token.encode())]
        try:
            status, body = await self._notifications.fetch(
                f"{PATH}?{urlencode(query)}", seconds=SECONDS, at_most=AT_MOST, headers=headers
            )
            if status == 200:
                return Page.model_validate_json(body)
            log.warning("inbox_refused", status=status)
        except (UpstreamError, ValidationError) as error:
            log.warning("inbox_away", error=type(error).__name__)
        raise ResyncError("inbox_away")


def resync(reason: str) -> Message:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return live(str(new_id()), "resync", now, {"reason": reason})


def live(id_: str, type_: str, time: str, data: dict[str, Any]) -> Message:
    return Message(_text(id_, type_, time, data), id_)


def _message(notice: Notice) -> Message:
    """As it was sent live: a notice and its realtime message share id, type and data."""
    return live(notice.id, notice.type, notice.created_at, notice.data)


def _text(id_: str, type_: str, time: str, data: dict[str, Any]) -> str:
    return orjson.dumps({"id": id_, "type": type_, "time": time, "data": data}).decode()
