from datetime import date
from typing import Any, Literal
from uuid import UUID

from services.gdpr.schemas import LocalInstant
from shared.http.schemas import Schema


class AuditRow(Schema):
    """`action` is the event's type, `entity` the id of what it concerns, `people` are those it is about; `data` holds
    ids, codes, times and figures."""

    id: int
    event_id: UUID
    occurred_at: LocalInstant
    recorded_at: LocalInstant
    action: str
    entity: str | None
    entity_version: int
    actor_id: str | None
    actor_role: str | None
    people: list[str]
    request_id: str | None
    source: str
    data: dict[str, Any]


class BrokenRow(Schema):
    month: date | None
    id: int | None
    reason: Literal["changed", "missing", "unanchored", "anchor_changed", "anchor_missing"]


class Verification(Schema):
    """`rows` were looked at; go on with `from_id` = `next_id` where there is one. Note `last_id` and `head` elsewhere:
    whoever has them can tell if what stands up to there was taken away later."""

    intact: bool
    rows: int
    broken: BrokenRow | None
    last_id: int
    head: str
    next_id: int | None
