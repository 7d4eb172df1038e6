from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.gdpr.audit import hash_chain, schemas, service
from services.gdpr.dependencies import COMMON, Admin, Cursor, Exactly, Limit
from shared.http.dependencies import SessionDep
from shared.http.pagination import Page
from shared.http.schemas import Instant

MOST_VERIFIED = 200_000

router = APIRouter(**COMMON)


@router.get("/audit", response_model=Page[schemas.AuditRow])
async def list_audit(
    who: Admin,
    session: SessionDep,
    actor: Exactly = None,
    entity: Exactly = None,
    person: Exactly = None,
    action: Exactly = None,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    conditions = {"actor_id": actor, "entity": entity, "person": person, "action": action}
    return await service.shown(session, who, conditions, (start, end), cursor, limit)


@router.get("/audit/verify", response_model=schemas.Verification)
async def verify_audit(
    who: Admin, session: SessionDep, from_id: Annotated[int, Query(ge=1, le=2**62)] = 1
) -> dict[str, Any]:
    found = await hash_chain.verify(session, from_id, MOST_VERIFIED)
    return {**vars(found), "intact": found.broken is None}
