"""HTTP models. Instants are answered in Europe/Copenhagen."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator

from shared.schemas import Schema, copenhagen

LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]


class AuditRow(Schema):
    """`action` is the event's type, `entity` the id of what it concerns; `data` holds ids, codes, times and figures."""

    id: int
    event_id: UUID
    occurred_at: LocalInstant
    recorded_at: LocalInstant
    action: str
    entity: str | None
    entity_version: int
    actor_id: str | None
    actor_role: str | None
    request_id: str | None
    source: str
    data: dict[str, Any]
