from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from services.gdpr import handover, requests, schemas
from services.gdpr.api.common import COMMON, Admin, Caller, Cursor, Id, Limit
from shared.http.app import RuntimeDep
from shared.http.dependencies import LanguageDep, SessionDep
from shared.http.pagination import Page

router = APIRouter(**COMMON)

BUNDLE: dict[str, Any] = {
    "application/json": {"schema": {"type": "object"}, "example": {"booking": {"bookings": []}}},
    "application/zip": {"schema": {"type": "string", "contentMediaType": "application/zip"}, "example": "PK"},
}


@router.get(
    "/users/{id}/export-data",
    response_model=schemas.DataRequest,
    status_code=202,
    responses={200: {"description": "The bundle", "content": BUNDLE}},
)
async def export_data(
    user_id: Id,
    who: Caller,
    session: SessionDep,
    runtime: RuntimeDep,
    language: LanguageDep,
    response: Response,
    accept: Annotated[str, Header(max_length=1000)] = "",
    renew: Annotated[bool, Query(description="Gather anew where an export is ready already")] = False,
) -> Any:
    found = await requests.export(session, who, user_id, renew=renew)
    if found["status"] != "done":
        response.headers["Retry-After"] = str(handover.patience(found))
        return found
    form = "zip" if "application/zip" in accept else "json"
    content, headers = await handover.bundle(session, runtime.settings, found, form, language)
    return Response(content, headers=headers)


@router.post("/users/{id}/anonymize", response_model=schemas.DataRequest, status_code=202)
async def anonymize_user(user_id: Id, who: Admin, session: SessionDep, response: Response) -> dict[str, Any]:
    found = await requests.anonymize(session, who, user_id)
    response.headers["Location"] = f"/api/v1/gdpr/requests/{found['id']}"
    response.headers["Retry-After"] = str(handover.patience(found))
    return found


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
    return await requests.listed(session, who, conditions, cursor, limit)


@router.get("/gdpr/requests/{id}", response_model=schemas.DataRequest)
async def get_request(request_id: Id, who: Admin, session: SessionDep) -> dict[str, Any]:
    return await requests.shown(session, who, request_id)
