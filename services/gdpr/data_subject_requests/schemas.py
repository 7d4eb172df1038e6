from typing import Literal
from uuid import UUID

from services.gdpr.schemas import LocalInstant
from shared.http.schemas import Schema


class Answered(Schema):
    service: str
    answered_at: LocalInstant
    rows: dict[str, int] | None
    dead_letters: int | None


class DataRequest(Schema):
    id: UUID
    kind: Literal["export", "erasure"]
    subject_id: UUID
    requested_by: UUID
    status: Literal["running", "done", "expired", "cancelled"]
    requested_at: LocalInstant
    deadline: LocalInstant
    overdue: bool
    finished_at: LocalInstant | None
    expires_at: LocalInstant | None
    answered: list[Answered]
    waiting_for: list[str]
    version: int
