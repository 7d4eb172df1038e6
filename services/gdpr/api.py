"""Endpoints: parse, authorise, one use case, respond."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.gdpr import audit, schemas
from shared.app import RuntimeDep
from shared.auth import Principal, Role, allow
from shared.db import SessionDep
from shared.errors import NotFound
from shared.schemas import Instant, Page


def enabled(runtime: RuntimeDep) -> None:
    """With ENABLE_GDPR_FEATURES=false these calls do not exist, whoever asks."""
    if not runtime.settings.enable_gdpr_features:
        raise NotFound


router = APIRouter(prefix="/api/v1", dependencies=[Depends(enabled)])

Admin = Annotated[Principal, allow(Role.ADMIN)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]
Exactly = Annotated[str | None, Query(min_length=1, max_length=100)]


@router.get("/audit", response_model=Page[schemas.AuditRow])
async def list_audit(
    who: Admin,
    session: SessionDep,
    actor: Exactly = None,
    entity: Exactly = None,
    action: Exactly = None,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    conditions = {"actor_id": actor, "entity": entity, "action": action}
    return await audit.listed(session, conditions, (start, end), cursor, limit)
