from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter

from services.gdpr.data_subject_requests import schemas, service
from services.gdpr.dependencies import COMMON, Admin, Cursor, Id, Limit
from shared.http.dependencies import SessionDep
from shared.http.pagination import Page

router = APIRouter(**COMMON)


@router.get("/gdpr/requests", response_model=Page[schemas.DataRequest])
async def list_requests(
    who: Admin,
    session: SessionDep,
    kind: Literal["export", "erasure"] | None = None,
    status: Literal["running", "done", "expired", "cancelled"] | None = None,
    subject_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    conditions = {"kind": kind, "status": status, "subject_id": subject_id}
    return await service.listed(session, who, conditions, cursor, limit)


@router.get("/gdpr/requests/{id}", response_model=schemas.DataRequest)
async def get_request(request_id: Id, who: Admin, session: SessionDep) -> dict[str, Any]:
    return await service.shown(session, who, request_id)
