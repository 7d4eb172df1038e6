"""Endpoints of series of appointments."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.booking import errors
from services.booking.dependencies import Caller
from services.booking.serializers import respond
from services.booking.series import schemas, service
from shared.errors import NotFound
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
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    series = await service.book(database, principal, body, key, language)
    return respond(series, 201)


@router.post(
    "/{series_id}/cancel",
    response_model=schemas.CancelledSeries,
    summary="Cancel the coming dates of a series",
    responses=raises(NotFound),
)
async def cancel_series(
    principal: Caller,
    series_id: UUID,
    database: DatabaseDep,
    language: LanguageDep,
    body: schemas.SeriesCancelRequest | None = None,
) -> Response:
    """Each date is cancelled by itself, as by its own call, so the call can be repeated."""
    wanted = body or schemas.SeriesCancelRequest()
    return respond(await service.cancel(database, principal, series_id, wanted.start, wanted.reason, language))
