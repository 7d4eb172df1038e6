"""Endpoints of free times."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.exceptions import RequestValidationError

from domain.times import From, To
from services.booking.dependencies import Visitor
from services.booking.profiles.schemas import LocticianId
from services.booking.serializers import json_response, respond
from services.booking.slots import errors, schemas, service
from services.booking.visitors.service import VisitDep
from shared.errors import NotFound, Unauthorized
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.identity.access import ANYONE
from shared.openapi.operations import raises

router = APIRouter(prefix="/api/v1")
SERVICE_ID_MISSING = {"type": "missing", "loc": ("query", "service_id"), "msg": "Field required", "input": None}


@router.get(
    "/slots",
    response_model=schemas.Slots,
    summary="Find free times",
    description="Give `service_id`, or `booking_id` to move a booking: its own time is left out of account, and its "
    "own treatments count if there is no `service_id`. Without `loctician_id` the times are those of any loctician.",
    responses=raises(errors.RangeTooLong, *errors.UNKNOWN, Unauthorized, NotFound),
)
async def search_slots(
    principal: Visitor,
    database: DatabaseDep,
    language: LanguageDep,
    service_id: Annotated[schemas.TreatmentIds | None, Query()] = None,
    loctician_id: LocticianId | None = None,
    booking_id: schemas.BookingToMove | None = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    if service_id is None and booking_id is None:
        raise RequestValidationError([SERVICE_ID_MISSING])
    wanted = service.Wanted(service_id or [], loctician_id, booking_id, limit)
    return json_response(await service.search(database, principal, wanted, (start, end), language))


@router.post(
    "/bookings/check-availability",
    response_model=schemas.Availability,
    summary="Check whether a time can be booked",
    dependencies=[ANYONE],
    responses=raises(Unauthorized, NotFound),
)
async def check_availability(
    visit: VisitDep, body: schemas.AvailabilityCheck, database: DatabaseDep, language: LanguageDep
) -> Response:
    """What the caller holds, or this browser, is left out of account."""
    return respond(await service.check(database, visit, body, language))
