"""HTTP models of the audit log."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from domain.roles import ACTOR_ROLES
from services.gdpr.schemas import LocalInstant
from shared.http.schemas import Schema

PERSON_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04"
BOOKING_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b02"


class AuditRow(Schema):
    """`action` is the event's type, `entity` the id of its subject, `people` the ids of those it is about. `data` holds
    ids, codes, times and numbers."""

    id: int
    event_id: UUID
    occurred_at: LocalInstant
    recorded_at: LocalInstant
    action: str = Field(examples=["booking.created.v1"])
    entity: str | None = Field(examples=[BOOKING_ID])
    entity_version: int
    actor_id: str | None = Field(examples=[PERSON_ID])
    actor_role: Annotated[str, Field(json_schema_extra={"enum": [*ACTOR_ROLES]})] | None = Field(examples=["customer"])
    people: list[str] = Field(examples=[[PERSON_ID]])
    request_id: str | None = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2e01"])
    source: str = Field(examples=["/services/booking"])
    data: dict[str, Any] = Field(examples=[{"status": "confirmed"}])


class BrokenRow(Schema):
    month: date | None
    id: int | None
    reason: Literal["changed", "missing", "unanchored", "anchor_changed", "anchor_missing", "cut"]


class Verification(Schema):
    """`rows` were checked; continue with `from_id` = `next_id` if it is set. `noted` tells whether the log was also
    compared with its ends that were noted outside the database, up to row `noted_last_id`: without that, rows removed
    at the end are not found. `cut`: the rows from `id` on were removed."""

    intact: bool
    rows: int = Field(examples=[1024])
    broken: BrokenRow | None = Field(examples=[None])
    last_id: int
    head: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    next_id: int | None = Field(examples=[None])
    noted: Literal["compared", "none", "unreadable"]
    noted_last_id: int | None = Field(examples=[1024])
