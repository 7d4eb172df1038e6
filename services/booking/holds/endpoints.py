"""Endpoints of holds."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.booking import errors
from services.booking.dependencies import Caller, RequireVerified
from services.booking.holds import schemas, service
from services.booking.serializers import respond
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey
from shared.openapi.operations import LOCATION, raises, sends

router = APIRouter(prefix="/api/v1/bookings/holds")


@router.post(
    "",
    status_code=201,
    response_model=schemas.Hold,
    summary="Hold a time for five minutes",
    responses=raises(*errors.UNBOOKABLE, *errors.WRONG_CUSTOMER) | sends(201, LOCATION),
)
async def hold_time(
    principal: Caller,
    body: schemas.HoldRequest,
    require_verified: RequireVerified,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    """Staff may hold for a customer. Locticians hold for themselves, and may book for a customer with that hold."""
    hold = await service.hold(database, principal, body, key, language, require_verified=require_verified)
    return respond(hold, 201, Location=f"/api/v1/bookings/holds/{hold['id']}")


@router.delete("/{hold_id}", status_code=204, response_class=Response, summary="Release a held time")
async def release_hold(principal: Caller, hold_id: UUID, database: DatabaseDep) -> Response:
    await service.release(database, principal, hold_id)
    return Response(status_code=204)
