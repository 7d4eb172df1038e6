from datetime import datetime
from typing import Any
from uuid import UUID

from shared.schemas import Schema


class AuditRow(Schema):
    id: int
    event_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    source: str
    action: str
    entity: str
    entity_version: int
    actor_id: str | None
    actor_role: str | None
    request_id: str | None
    facts: dict[str, Any]
