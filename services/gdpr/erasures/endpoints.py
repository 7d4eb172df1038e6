"""Erasures over HTTP."""

from typing import Any

from fastapi import APIRouter, Response

from services.gdpr.data_subject_requests import schemas
from services.gdpr.data_subject_requests.service import seconds_to_retry
from services.gdpr.dependencies import ROUTER, Admin, Caller, UserId
from services.gdpr.erasures import service
from services.gdpr.errors import ErasureRunning, LastAdmin, LoginTooOld, UpcomingDuty
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
async def anonymize_user(user_id: UserId, principal: Admin, session: SessionDep, response: Response) -> dict[str, Any]:
    """Starts the erasure, or shows the one that is running. Location is where to follow it."""
    request = await service.request_erasure(session, principal, user_id)
    response.headers["Location"] = f"/api/v1/gdpr/requests/{request['id']}"
    response.headers["Retry-After"] = str(seconds_to_retry(request))
    return request


@router.post(
    "/users/me/erasure",
    response_model=schemas.DataRequest,
    status_code=202,
    summary="Ask for your own erasure",
    responses=raises(LoginTooOld, LastAdmin, UpcomingDuty),
)
async def schedule_erasure(principal: Caller, session: SessionDep) -> dict[str, Any]:
    """Needs a login of the last five minutes. The erasure begins after seven days and can be withdrawn until then.

    Shows the one that is scheduled or running if there is one.
    """
    return await service.schedule_own(session, principal)


@router.get("/users/me/erasure", response_model=schemas.DataRequest, summary="Get your own erasure")
async def get_erasure(principal: Caller, session: SessionDep) -> dict[str, Any]:
    """404 if none is scheduled or running."""
    return await service.read_own(session, principal)


@router.delete(
    "/users/me/erasure",
    status_code=204,
    response_class=Response,
    summary="Withdraw your own erasure",
    responses=raises(ErasureRunning),
)
async def withdraw_erasure(principal: Caller, session: SessionDep) -> None:
    await service.withdraw_own(session, principal)
