"""Endpoints of bookings."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from domain.bookings import BookingStatus
from domain.times import From, To
from services.booking import errors
from services.booking.bookings import schemas, service
from services.booking.bookings.queries import KEEP, UNDO_NO_SHOW
from services.booking.customers.schemas import CustomerId
from services.booking.dependencies import Caller, Employee, Staff
from services.booking.profiles.schemas import LocticianId
from services.booking.serializers import respond
from services.booking.visitors.service import VisitDep
from shared.errors import NotFound, PreconditionRequired
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Cursor, Limit
from shared.http.preconditions import IfMatch
from shared.openapi.operations import ETAG, LOCATION, raises, sends

router = APIRouter(prefix="/api/v1/bookings")

OUTCOME = raises(errors.WrongStatus, errors.NotForOthers) | sends(200, ETAG)
OUTCOME_AFTER_START = raises(errors.WrongStatus, errors.NotForOthers, errors.NotStarted) | sends(200, ETAG)


@router.post(
    "",
    status_code=201,
    response_model=schemas.Booking,
    summary="Book a time",
    responses=raises(
        *errors.UNBOOKABLE,
        *errors.WRONG_CUSTOMER,
        errors.CustomerRequired,
        errors.TooManyOpen,
        errors.HoldLapsed,
        errors.HoldMismatch,
        errors.WalkInHasNoAccount,
    )
    | sends(201, ETAG, LOCATION),
)
async def create_booking(
    principal: Caller,
    body: schemas.BookingRequest,
    visit: VisitDep,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    """`hold_id` may be that of a hold which this browser made before anybody signed in."""
    booking = await service.book(database, principal, body, key, language, visit.claims)
    return respond(booking, 201, Location=f"/api/v1/bookings/{booking['id']}")


@router.get(
    "",
    response_model=schemas.BookingPage,
    summary="List the bookings that the caller may see",
    responses=raises(errors.NotForOthers),
)
async def list_bookings(
    principal: Caller,
    database: DatabaseDep,
    language: LanguageDep,
    status: Annotated[list[BookingStatus] | None, Query()] = None,
    conflicted: bool | None = None,
    customer_inactive: bool | None = None,
    series_id: UUID | None = None,
    start: From = None,
    end: To = None,
    loctician_id: LocticianId | None = None,
    customer_id: CustomerId | None = None,
    q: Annotated[str | None, Query(min_length=2, max_length=100, examples=["freja"])] = None,
    sort: Literal["start", "-start"] = "start",
    count: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """`q` is for the salon: every word is a part of the customer's name, phone number or, for staff, mail address; or
    `q` is the beginning of a booking's id. `sort=-start` gives the latest first. `count=true` also says how many there
    are on all pages."""
    conditions = {
        "status": status,
        "conflicted": conflicted,
        "customer_inactive": customer_inactive,
        "series_id": series_id,
        "from": start,
        "to": end,
        "loctician_id": loctician_id,
        "customer_id": customer_id,
        "q": q,
    }
    wanted = service.PageWanted(cursor, limit, sort, count)
    return respond(await service.list_bookings(database, principal, conditions, wanted, language))


@router.get("/{booking_id}", response_model=schemas.Booking, summary="Read a booking", responses=sends(200, ETAG))
async def get_booking(principal: Caller, booking_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    return respond(await service.get(database, principal, booking_id, language))


@router.put(
    "/{booking_id}",
    response_model=schemas.Booking,
    summary="Move or change a booking",
    responses=raises(
        *errors.UNBOOKABLE,
        errors.NotForOthers,
        errors.NotAWalkIn,
        errors.TooShort,
        errors.WrongStatus,
        errors.AlreadyStarted,
        errors.WindowPassed,
        PreconditionRequired,
    )
    | sends(200, ETAG),
)
async def change_booking(
    principal: Caller,
    booking_id: UUID,
    body: schemas.ChangeRequest,
    database: DatabaseDep,
    language: LanguageDep,
    if_match: IfMatch = None,
) -> Response:
    return respond(await service.change(database, principal, booking_id, body, if_match, language))


@router.post(
    "/{booking_id}/cancel",
    response_model=schemas.CancelledBooking,
    summary="Cancel a booking",
    responses=raises(errors.WrongStatus, errors.NotForOthers, errors.AlreadyStarted) | sends(200, ETAG),
)
async def cancel_booking(
    principal: Caller,
    booking_id: UUID,
    database: DatabaseDep,
    language: LanguageDep,
    body: schemas.CancelRequest | None = None,
    if_match: IfMatch = None,
) -> Response:
    reason = body.reason if body else None
    return respond(await service.cancel(database, principal, booking_id, reason, if_match, language))


@router.post("/{booking_id}/confirm", response_model=schemas.Booking, summary="Confirm a booking", responses=OUTCOME)
async def confirm_booking(
    principal: Employee, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    return respond(await service.set_outcome(database, principal, booking_id, "confirmed", if_match, language))


@router.post(
    "/{booking_id}/complete",
    response_model=schemas.Booking,
    summary="Mark a booking as completed",
    responses=OUTCOME_AFTER_START,
)
async def complete_booking(
    principal: Employee, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    return respond(await service.set_outcome(database, principal, booking_id, "completed", if_match, language))


@router.post(
    "/{booking_id}/no-show",
    response_model=schemas.Booking,
    summary="Mark a booking as a no-show",
    responses=OUTCOME_AFTER_START,
)
async def miss_booking(
    principal: Employee, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    return respond(await service.set_outcome(database, principal, booking_id, "no_show", if_match, language))


@router.delete(
    "/{booking_id}/no-show",
    response_model=schemas.Booking,
    summary="Undo a no-show",
    responses=raises(errors.WrongStatus, errors.UndoTooLate) | sends(200, ETAG),
)
async def undo_no_show(
    principal: Staff, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    """The booking is confirmed again. Possible for 24 hours after it was marked."""
    return respond(await service.correct(database, principal, booking_id, UNDO_NO_SHOW, if_match, language))


@router.post(
    "/{booking_id}/keep",
    response_model=schemas.Booking,
    summary="Keep the booking of a deactivated customer",
    responses=sends(200, ETAG),
)
async def keep_booking(
    principal: Staff, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    """To cancel it instead, use the ordinary call."""
    return respond(await service.correct(database, principal, booking_id, KEEP, if_match, language))


@router.get(
    "/{booking_id}/history",
    response_model=schemas.History,
    summary="List the changes of a booking",
    responses=raises(NotFound),
)
async def list_changes(principal: Caller, booking_id: UUID, session: SessionDep, language: LanguageDep) -> Response:
    return respond(await service.list_changes(session, principal, booking_id, language))
