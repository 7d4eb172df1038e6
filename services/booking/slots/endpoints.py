"""Endpoints of free times."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from domain.times import From, To
from services.booking.dependencies import Visitor
from services.booking.profiles.schemas import LocticianId
from services.booking.serializers import json_response, respond
from services.booking.slots import errors, schemas, service
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.openapi.operations import raises

router = APIRouter(prefix="/api/v1")


@router.get(
    "/slots",
    response_model=schemas.Slots,
    summary="Find free times",
    responses=raises(errors.RangeTooLong, *errors.UNKNOWN),
)
async def search_slots(
    principal: Visitor,
    database: DatabaseDep,
    language: LanguageDep,
    service_id: Annotated[schemas.TreatmentIds, Query()],
    loctician_id: LocticianId | None = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    slots = await service.search(database, principal, service_id, loctician_id, (start, end), limit, language)
    return json_response(slots)


@router.post(
    "/bookings/check-availability", response_model=schemas.Availability, summary="Check whether a time can be booked"
)
async def check_availability(
    principal: Visitor, body: schemas.AvailabilityRequest, database: DatabaseDep, language: LanguageDep
) -> Response:
    return respond(await service.check(database, principal, body, language))
