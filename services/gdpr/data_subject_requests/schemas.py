"""HTTP models of data subject requests."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from services.gdpr.schemas import LocalInstant
from shared.http.schemas import Schema

Kind = Literal["export", "erasure"]
Status = Literal["scheduled", "running", "done", "expired", "cancelled"]


class Answered(Schema):
    """What a service exported or erased: rows by table, and messages in its dead-letter queue about the person."""

    service: str = Field(examples=["booking"])
    answered_at: LocalInstant
    rows: dict[str, int] | None = Field(examples=[{"bookings": 4}])
    dead_letters: int | None = Field(examples=[0])


class DataRequest(Schema):
    id: UUID
    kind: Kind
    subject_id: UUID
    requested_by: UUID
    status: Status
    requested_at: LocalInstant
    deadline: LocalInstant
    overdue: bool
    finished_at: LocalInstant | None = Field(examples=[None])
    expires_at: LocalInstant | None = Field(examples=[None])
    runs_at: LocalInstant | None = Field(description="When a scheduled erasure begins", examples=[None])
    answered: list[Answered]
    waiting_for: list[str] = Field(examples=[["notifications"]])
    version: int
