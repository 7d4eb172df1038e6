"""A message to one person, before any channel has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.notifications.notification_types import NOTIFICATION_TYPES, Part
from shared.messaging.events import Push, new_id


@dataclass(frozen=True)
class Message:
    """Sent once for each event, recipient and channel. `mail_data` and `app_data` hold ids and figures, no names."""

    event_id: UUID
    recipient_id: UUID
    kind: str  # one of NOTIFICATION_TYPES
    part: Part
    mail_data: Mapping[str, Any]  # what a mail or SMS is rendered from
    app_data: Mapping[str, Any]  # the data of the notice and of the realtime message
    id: UUID = field(default_factory=new_id)  # of the notice and of the realtime message
    booking_id: UUID | None = None
    booking_version: int | None = None
    series_id: UUID | None = None  # mailed together with other dates of the series
    expires_at: datetime | None = None  # not sent after this time
    in_app_only: bool = False
    request_id: str | None = None
    pushed: bool = False  # the realtime message has been pushed already


def without_duplicates(messages: Sequence[Message]) -> list[Message]:
    """The first message for each event and recipient."""
    unique: dict[tuple[UUID, UUID], Message] = {}
    for message in messages:
        unique.setdefault((message.event_id, message.recipient_id), message)
    return list(unique.values())


def as_push(messages: Sequence[Message]) -> Push:
    """One realtime message to all recipients of the same content."""
    first = messages[0]
    audience = [f"user:{message.recipient_id}" for message in messages]
    return Push(first.id, audience, NOTIFICATION_TYPES[first.kind].type, first.app_data)


def format_utc(instant: datetime) -> str:
    """ISO 8601 in UTC, as messages hold it."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
