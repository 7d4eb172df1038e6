from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from services.gdpr.data_subject_requests import schemas
from services.gdpr.data_subject_requests.service import seconds_to_retry
from services.gdpr.dependencies import COMMON, Caller, Id
from services.gdpr.exports import download, service
from shared.http.app import RuntimeDep
from shared.http.dependencies import LanguageDep, SessionDep

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
    found = await service.export(session, who, user_id, renew=renew)
    if found["status"] != "done":
        response.headers["Retry-After"] = str(seconds_to_retry(found))
        return found
    form = "zip" if "application/zip" in accept else "json"
    content, headers = await download.bundle(session, runtime.settings, found, form, language)
    return Response(content, headers=headers)
