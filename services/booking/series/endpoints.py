"""Endpoint that books a series of appointments."""

from fastapi import APIRouter, Response

from services.booking import errors
from services.booking.dependencies import Caller, RequireVerified
from services.booking.serializers import respond
from services.booking.series import schemas, service
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey
from shared.openapi.operations import raises

router = APIRouter(prefix="/api/v1/bookings/series")


@router.post(
    "",
    status_code=201,
    response_model=schemas.Series,
    summary="Book a series of times",
    responses=raises(
        *errors.UNBOOKABLE,
        *errors.WRONG_CUSTOMER,
        errors.CustomerRequired,
        errors.TooManyOpen,
        errors.NothingBooked,
    ),
)
async def create_series(
    principal: Caller,
    body: schemas.SeriesRequest,
    require_verified: RequireVerified,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    series = await service.book(database, principal, body, key, language, require_verified=require_verified)
    return respond(series, 201)
