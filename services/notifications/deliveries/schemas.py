"""HTTP models of deliveries."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.clock import to_copenhagen
from services.notifications.notification_types import KINDS
from shared.http.schemas import Schema

Status = Literal["queued", "sending", "sent", "failed", "dropped"]
LocalInstant = Annotated[datetime, AfterValidator(to_copenhagen)]


class Delivery(Schema):
    """`error` is the code of the last failure, also while the delivery is retried."""

    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d03"])
    event_id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d04"])
    recipient_id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04"])
    booking_id: UUID | None = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b02"])
    channel: str = Field(examples=["mail"], json_schema_extra={"enum": ["mail", "sms"]})
    kind: str = Field(examples=["booking_created"], json_schema_extra={"enum": [*KINDS]})
    status: Status = Field(examples=["sent"])
    attempts: int
    error: str | None = Field(examples=[None])
    due_at: LocalInstant
    sent_at: LocalInstant | None = Field(examples=["2026-09-14T10:00:01+02:00"])
    created_at: LocalInstant
    version: int = Field(examples=[3])
