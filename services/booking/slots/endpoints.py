"""Endpoints of free times."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.exceptions import RequestValidationError

from domain.times import From, FromDay, To, ToDay
from services.booking.dependencies import Visitor
from services.booking.profiles.schemas import LocticianId
from services.booking.serializers import json_response, respond
from services.booking.slots import errors, schemas, service
from services.booking.visitors.service import VisitDep
from shared.errors import BadCursor, NotFound, Unauthorized
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.pagination import Cursor
from shared.identity.access import ANYONE
from shared.openapi.operations import CACHE_CONTROL, raises, sends

router = APIRouter(prefix="/api/v1")
NOT_STORED = {"Cache-Control": "no-store"}
SERVICE_ID_MISSING = {"type": "missing", "loc": ("query", "service_id"), "msg": "Field required", "input": None}


@router.get(
    "/slots",
    response_model=schemas.Slots,
    summary="Find free times",
    description="Give `service_id`, or `booking_id` to move a booking: its own time is left out of account, and its "
    "own treatments count if there is no `service_id`. Without `loctician_id` the times are those of any loctician.",
    responses=raises(errors.RangeTooLong, *errors.UNKNOWN, BadCursor, Unauthorized, NotFound)
    | sends(200, CACHE_CONTROL),
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
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    wanted = _wanted(service_id, loctician_id, booking_id)
    slots = await service.search(database, principal, wanted, (start, end), (cursor, limit), language)
    return json_response(slots, 200, **NOT_STORED)


@router.get(
    "/slots/days",
    response_model=schemas.SlotDays,
    summary="See on which days something is free",
    description="A row for each day, also for one without a free time: a month in one call. At most 62 days; without "
    "`from` and `to`: 31 days from today on. `service_id`, `loctician_id` and `booking_id` as in `GET /api/v1/slots`, "
    "which lists the times of a day.",
    responses=raises(errors.RangeTooLong, *errors.UNKNOWN, Unauthorized, NotFound) | sends(200, CACHE_CONTROL),
)
async def search_days(
    principal: Visitor,
    database: DatabaseDep,
    language: LanguageDep,
    service_id: Annotated[schemas.TreatmentIds | None, Query()] = None,
    loctician_id: LocticianId | None = None,
    booking_id: schemas.BookingToMove | None = None,
    first: FromDay = None,
    last: ToDay = None,
) -> Response:
    wanted = _wanted(service_id, loctician_id, booking_id)
    return json_response(
        await service.search_days(database, principal, wanted, (first, last), language), 200, **NOT_STORED
    )


def _wanted(service_ids: list[UUID] | None, loctician_id: UUID | None, booking_id: UUID | None) -> service.Wanted:
    if service_ids is None and booking_id is None:
        raise RequestValidationError([SERVICE_ID_MISSING])
    return service.Wanted(service_ids or [], loctician_id, booking_id)


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
