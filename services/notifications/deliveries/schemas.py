"""HTTP models of deliveries."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator

from domain.clock import copenhagen
from shared.http.schemas import Schema

Status = Literal["queued", "sending", "sent", "failed", "dropped"]
LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]


class Delivery(Schema):
    """`error` is the code of the last failure, also while it is tried again."""

    id: UUID
    event_id: UUID
    recipient_id: UUID
    booking_id: UUID | None
    channel: str
    kind: str
    status: Status
    attempts: int
    error: str | None
    due_at: LocalInstant
    sent_at: LocalInstant | None
    created_at: LocalInstant
    version: int
