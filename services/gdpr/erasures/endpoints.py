"""Erasures over HTTP."""

from typing import Any

from fastapi import APIRouter, Response

from services.gdpr.data_subject_requests import schemas
from services.gdpr.data_subject_requests.service import seconds_to_retry
from services.gdpr.dependencies import ROUTER, Admin, Id
from services.gdpr.erasures import service
from services.gdpr.errors import LastAdmin, UpcomingDuty
from shared.http.dependencies import SessionDep
from shared.openapi.operations import LOCATION, RETRY_AFTER, raises, sends

router = APIRouter(**ROUTER)


@router.post(
    "/users/{id}/anonymize",
    response_model=schemas.DataRequest,
    status_code=202,
    summary="Erase a person",
    responses=raises(LastAdmin, UpcomingDuty) | sends(202, LOCATION, RETRY_AFTER),
)
async def anonymize_user(user_id: Id, principal: Admin, session: SessionDep, response: Response) -> dict[str, Any]:
    """Starts the erasure, or shows the one that is running. Location is where to follow it."""
    request = await service.request_erasure(session, principal, user_id)
    response.headers["Location"] = f"/api/v1/gdpr/requests/{request['id']}"
    response.headers["Retry-After"] = str(seconds_to_retry(request))
    return request
