"""Exports over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from services.gdpr.data_subject_requests import schemas
from services.gdpr.data_subject_requests.service import seconds_to_retry
from services.gdpr.dependencies import ROUTER, Caller, UserId
from services.gdpr.exports import service
from services.gdpr.exports.download import build_download
from shared.http.app import RuntimeDep
from shared.http.dependencies import LanguageDep, SessionDep
from shared.openapi.operations import RETRY_AFTER, sends

router = APIRouter(**ROUTER)

DOWNLOAD: dict[str, Any] = {
    "application/json": {"schema": {"type": "object"}, "example": {"booking": {"bookings": []}}},
    "application/zip": {"schema": {"type": "string", "contentMediaType": "application/zip"}, "example": "PK"},
}


@router.get(
    "/users/{id}/export-data",
    response_model=schemas.DataRequest,
    status_code=202,
    summary="Export what is held on a person",
    responses={200: {"description": "The export", "content": DOWNLOAD}, **sends(202, RETRY_AFTER)},
)
async def export_data(
    user_id: UserId,
    principal: Caller,
    session: SessionDep,
    runtime: RuntimeDep,
    language: LanguageDep,
    response: Response,
    accept: Annotated[str, Header(max_length=1000, examples=["application/json"])] = "",
    renew: Annotated[bool, Query(description="Start a new export if the last one is done")] = False,
) -> Any:
    """The first call starts the export. 202 with Retry-After until all services have answered, then 200 with the file:
    a ZIP if Accept names application/zip, otherwise JSON. For the person and for admins."""
    request = await service.request_export(session, principal, user_id, renew=renew)
    if request["status"] != "done":
        response.headers["Retry-After"] = str(seconds_to_retry(request))
        return request
    file_format = "zip" if "application/zip" in accept else "json"
    content, headers = await build_download(session, runtime.settings, request, file_format, language)
    return Response(content, headers=headers)
