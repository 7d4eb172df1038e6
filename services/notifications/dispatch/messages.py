"""What one person is told, before any channel has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.notification_types import NOTIFICATION_TYPES, Part
from shared.messaging.events import Push, new_id


@dataclass(frozen=True)
class Message:
    """Told once for each event, recipient and channel. Both mappings hold ids and figures, no names."""

    event_id: UUID
    recipient_id: UUID
    kind: str
    part: Part
    facts: Mapping[str, Any]  # what a mail will say
    shown: Mapping[str, Any]  # what the app shows: the data of the notice and of the realtime message
    id: UUID = field(default_factory=new_id)  # of the notice and of the realtime message
    booking_id: UUID | None = None
    booking_version: int | None = None
    expires_at: datetime | None = None  # worth nothing afterwards
    only_inside: bool = False  # in the app, not outside it
    request_id: str | None = None
    pushed: bool = False  # in realtime, already


def distinct(messages: Sequence[Message]) -> list[Message]:
    """One for each event and recipient, the first."""
    found: dict[tuple[UUID, UUID], Message] = {}
    for message in messages:
        found.setdefault((message.event_id, message.recipient_id), message)
    return list(found.values())


def as_push(messages: Sequence[Message]) -> Push:
    """One realtime message to all who are told the same."""
    first = messages[0]
    return Push(
        first.id, [f"user:{one.recipient_id}" for one in messages], NOTIFICATION_TYPES[first.kind].type, first.shown
    )
