"""Fetches what a client missed while it was disconnected: from the in-app inbox, with the client's own token."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from pydantic import BaseModel, ValidationError

from gateway.metrics import RESUMED
from gateway.realtime.hub import Message
from gateway.upstream.client import Upstream
from gateway.upstream.errors import UpstreamError
from shared.messaging.events import new_id
from shared.observability.log import logger

PATH = "/api/v1/notifications"
PAGE_SIZE, MOST_PAGES = 100, 2
FETCH_SECONDS = 5.0
MAX_PAGE_BYTES = 1_048_576

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
    """The missed messages cannot be sent. The client is asked to reload everything; the text is the reason."""


class Inbox:
    def __init__(self, notifications: Upstream) -> None:
        self._notifications = notifications

    async def missed(self, token: str | None, last_event_id: str, *, kept: bool = True) -> list[Message]:
        """The missed messages, oldest first; or one `resync` if there are too many or they cannot be fetched.

        `kept`: whether the inbox keeps this kind of message.
        """
        try:
            messages = [_message_of(notice) for notice in await self._since(token, last_event_id, kept=kept)]
        except ResyncError as error:
            RESUMED.labels(str(error)).inc()
            return [resync(str(error))]
        RESUMED.labels("resumed").inc()
        return messages

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
        query = {"after": str(after), "limit": str(PAGE_SIZE)}
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
                f"{PATH}?{urlencode(query)}", seconds=FETCH_SECONDS, at_most=MAX_PAGE_BYTES, headers=headers
            )
            if status == 200:
                return Page.model_validate_json(body)
            log.warning("inbox_refused", status=status)
        except (UpstreamError, ValidationError) as error:
            log.warning("inbox_away", error=type(error).__name__)
        raise ResyncError("inbox_away")


def resync(reason: str) -> Message:
    """Asks the client to reload everything it shows."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return message(str(new_id()), "resync", now, {"reason": reason})


def message(id_: str, type_: str, time: str, data: dict[str, Any]) -> Message:
    """A message as clients get it. `time` in ISO 8601."""
    return Message(orjson.dumps({"id": id_, "type": type_, "time": time, "data": data}).decode(), id_)


def _message_of(notice: Notice) -> Message:
    """The message that was sent live: it has the id, type and data of the notice."""
    return message(notice.id, notice.type, notice.created_at, notice.data)
