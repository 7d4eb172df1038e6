from typing import Any

from fastapi import APIRouter, Response

from services.gdpr.data_subject_requests import schemas
from services.gdpr.data_subject_requests.service import seconds_to_retry
from services.gdpr.dependencies import COMMON, Admin, Id
from services.gdpr.erasures import service
from shared.http.dependencies import SessionDep

router = APIRouter(**COMMON)


@router.post("/users/{id}/anonymize", response_model=schemas.DataRequest, status_code=202)
async def anonymize_user(user_id: Id, who: Admin, session: SessionDep, response: Response) -> dict[str, Any]:
    found = await service.anonymize(session, who, user_id)
    response.headers["Location"] = f"/api/v1/gdpr/requests/{found['id']}"
    response.headers["Retry-After"] = str(seconds_to_retry(found))
    return found
