"""Data subject requests over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from domain.people import PersonId
from services.gdpr.data_subject_requests import schemas, service
from services.gdpr.dependencies import ROUTER, Admin, Id
from shared.http.dependencies import SessionDep
from shared.http.pagination import Cursor, Limit, Page

router = APIRouter(**ROUTER)


@router.get("/gdpr/requests", response_model=Page[schemas.DataRequest], summary="List exports and erasures")
async def list_requests(
    principal: Admin,
    session: SessionDep,
    kind: schemas.Kind | None = None,
    status: Annotated[list[schemas.Status] | None, Query()] = None,
    subject_id: PersonId | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first."""
    conditions = {"kind": kind, "status": status, "subject_id": subject_id}
    return await service.list_requests(session, principal, conditions, cursor, limit)


@router.get("/gdpr/requests/{id}", response_model=schemas.DataRequest, summary="Get an export or erasure request")
async def get_request(request_id: Id, principal: Admin, session: SessionDep) -> dict[str, Any]:
    return await service.get_request(session, principal, request_id)
