from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.booking import bookings
from services.booking.api.common import Caller, Cursor, From, IdempotencyKey, IfMatch, Limit, To, answer
from services.booking.schemas import bookings as schemas
from shared.db import DatabaseDep, SessionDep
from shared.problems import LanguageDep
from shared.schemas import Page

router = APIRouter(prefix="/api/v1")


@router.post("/bookings", status_code=201, response_model=schemas.Booking)
async def create_booking(
    who: Caller,
    asked: schemas.BookingRequest,
    request: Request,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    require_verified = request.app.state.runtime.settings.require_verified_email
    booked = await bookings.book(database, who, asked, key, language, require_verified=require_verified)
    return answer(booked, 201, Location=f"/api/v1/bookings/{booked['id']}")


@router.get("/bookings", response_model=Page[schemas.Booking])
async def list_bookings(
    who: Caller,
    database: DatabaseDep,
    language: LanguageDep,
    status: schemas.Status | None = None,
    start: From = None,
    end: To = None,
    loctician_id: UUID | None = None,
    customer_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    conditions = {
        "status": status,
        "from": start,
        "to": end,
        "loctician_id": loctician_id,
        "customer_id": customer_id,
    }
    return answer(await bookings.find(database, who, conditions, cursor, limit, language))


@router.get("/bookings/{booking_id}", response_model=schemas.Booking)
async def get_booking(who: Caller, booking_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    return answer(await bookings.get(database, who, booking_id, language))


@router.post("/bookings/{booking_id}/cancel", response_model=schemas.CancelledBooking)
async def cancel_booking(
    who: Caller,
    booking_id: UUID,
    session: SessionDep,
    language: LanguageDep,
    asked: schemas.CancelRequest | None = None,
    if_match: IfMatch = None,
) -> Response:
    reason = asked.reason if asked else None
    return answer(await bookings.cancel(session, who, booking_id, reason, if_match, language))


@router.get("/bookings/{booking_id}/history", response_model=schemas.History)
async def booking_history(who: Caller, booking_id: UUID, session: SessionDep) -> Response:
    return answer(await bookings.history(session, who, booking_id))
