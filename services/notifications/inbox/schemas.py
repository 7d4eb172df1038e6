"""HTTP models of the in-app inbox."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.bookings import BookingStatus
from domain.clock import to_copenhagen
from services.notifications.notification_types import KINDS, NOTIFICATION_TYPES
from shared.http.schemas import Schema

TYPES = sorted({notification_type.type for notification_type in NOTIFICATION_TYPES.values()})
LocalInstant = Annotated[datetime, AfterValidator(to_copenhagen)]


class BookingUpdate(Schema):
    booking_id: UUID
    status: BookingStatus = Field(examples=["confirmed"])
    start: LocalInstant
    end: LocalInstant
    loctician_id: UUID
    version: int


class Notice(Schema):
    """`id`, `type` and `data` are those of the realtime message that said the same."""

    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d01"])
    type: str = Field(examples=["booking_update"], json_schema_extra={"enum": [*TYPES]})
    kind: str = Field(examples=["booking_created"], json_schema_extra={"enum": [*KINDS]})
    title: str = Field(examples=["Din tid mandag den 14. september 2026 kl. 10.00 er booket"])
    data: Annotated[BookingUpdate | dict[str, Any], Field(union_mode="left_to_right")]
    created_at: LocalInstant
    read_at: LocalInstant | None
