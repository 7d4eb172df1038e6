"""HTTP models. Instants are answered in Europe/Copenhagen."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator

from shared.schemas import Schema, copenhagen

Status = Literal["queued", "sending", "sent", "failed"]
LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]


class BookingUpdate(Schema):
    booking_id: UUID
    status: str
    start: LocalInstant
    end: LocalInstant
    loctician_id: UUID
    version: int


class Notice(Schema):
    id: UUID
    kind: str
    title: str
    data: BookingUpdate
    created_at: LocalInstant
    read_at: LocalInstant | None


class Delivery(Schema):
    """`error` is the code of the last failure, also while it is tried again."""

    id: UUID
    event_id: UUID
    recipient_id: UUID
    booking_id: UUID
    channel: str
    kind: str
    status: Status
    attempts: int
    error: str | None
    due_at: LocalInstant
    sent_at: LocalInstant | None
    created_at: LocalInstant
    version: int
