from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from domain.roles import Role
from services.booking.bookings import schemas
from services.booking.bookings import service as bookings
from services.booking.bookings import service as changes
from services.booking.dependencies import Caller, Cursor, From, IfMatch, Limit, RequireVerified, To
from services.booking.serializers import answer
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Page
from shared.identity.access import allow
from shared.identity.principals import Principal

router = APIRouter(prefix="/api/v1")

Salon = Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]


@router.post("/bookings", status_code=201, response_model=schemas.Booking)
async def create_booking(
    who: Caller,
    asked: schemas.BookingRequest,
    require_verified: RequireVerified,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    booked = await bookings.book(database, who, asked, key, language, require_verified=require_verified)
    return answer(booked, 201, Location=f"/api/v1/bookings/{booked['id']}")


@router.get("/bookings", response_model=Page[schemas.Booking])
async def list_bookings(
    who: Caller,
    database: DatabaseDep,
    language: LanguageDep,
    status: schemas.Status | None = None,
    conflicted: bool | None = None,
    start: From = None,
    end: To = None,
    loctician_id: UUID | None = None,
    customer_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    conditions = {
        "status": status,
        "conflicted": conflicted,
        "from": start,
        "to": end,
        "loctician_id": loctician_id,
        "customer_id": customer_id,
    }
    return answer(await bookings.find(database, who, conditions, cursor, limit, language))


@router.get("/bookings/{booking_id}", response_model=schemas.Booking)
async def get_booking(who: Caller, booking_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    return answer(await bookings.get(database, who, booking_id, language))


@router.put("/bookings/{booking_id}", response_model=schemas.Booking)
async def change_booking(
    who: Caller,
    booking_id: UUID,
    asked: schemas.ChangeRequest,
    database: DatabaseDep,
    language: LanguageDep,
    if_match: IfMatch = None,
) -> Response:
    return answer(await changes.change(database, who, booking_id, asked, if_match, language))


@router.post("/bookings/{booking_id}/cancel", response_model=schemas.CancelledBooking)
async def cancel_booking(
    who: Caller,
    booking_id: UUID,
    database: DatabaseDep,
    language: LanguageDep,
    asked: schemas.CancelRequest | None = None,
    if_match: IfMatch = None,
) -> Response:
    reason = asked.reason if asked else None
    return answer(await changes.cancel(database, who, booking_id, reason, if_match, language))


@router.post("/bookings/{booking_id}/confirm", response_model=schemas.Booking)
async def confirm_booking(
    who: Salon, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    return answer(await changes.settle(database, who, booking_id, "confirmed", if_match, language))


@router.post("/bookings/{booking_id}/complete", response_model=schemas.Booking)
async def complete_booking(
    who: Salon, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    return answer(await changes.settle(database, who, booking_id, "completed", if_match, language))


@router.post("/bookings/{booking_id}/no-show", response_model=schemas.Booking)
async def miss_booking(
    who: Salon, booking_id: UUID, database: DatabaseDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    return answer(await changes.settle(database, who, booking_id, "no_show", if_match, language))


@router.get("/bookings/{booking_id}/history", response_model=schemas.History)
async def list_changes(who: Caller, booking_id: UUID, session: SessionDep, language: LanguageDep) -> Response:
    return answer(await bookings.history(session, who, booking_id, language))
