"""HTTP models of inbox."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.clock import copenhagen
from shared.http.schemas import Schema

LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]


class BookingUpdate(Schema):
    booking_id: UUID
    status: str
    start: LocalInstant
    end: LocalInstant
    loctician_id: UUID
    version: int


class Notice(Schema):
    """`id`, `type` and `data` are those of the realtime message that told the same."""

    id: UUID
    type: str
    kind: str
    title: str
    data: Annotated[BookingUpdate | dict[str, Any], Field(union_mode="left_to_right")]
    created_at: LocalInstant
    read_at: LocalInstant | None
