"""Endpoints: parse, authorise, one use case, respond."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request, Response

from services.booking import bookings, catalog, schemas, slots
from shared.auth import ANYONE, SIGNED_IN, Principal
from shared.db import DatabaseDep, SessionDep
from shared.problems import LanguageDep
from shared.schemas import Instant, Page

router = APIRouter(prefix="/api/v1")

Caller = Annotated[Principal, SIGNED_IN]
Visitor = Annotated[Principal | None, ANYONE]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]
From = Annotated[Instant | None, Query(alias="from")]
To = Annotated[Instant | None, Query(alias="to")]


def answer(content: dict[str, Any], status: int = 200, **headers: str) -> Response:
    if "version" in content:
        headers["ETag"] = f'"{content["version"]}"'
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


@router.get("/services", response_model=Page[schemas.Treatment])
async def list_treatments(
    who: Visitor,
    database: DatabaseDep,
    spoken: LanguageDep,
    q: Annotated[str | None, Query(max_length=100)] = None,
    lang: Annotated[str | None, Query(pattern="^(da|en)$")] = None,
    category: Annotated[str | None, Query(max_length=50)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    return answer(await catalog.search(database, lang or spoken, q, category, cursor, limit))


@router.get("/services/{treatment_id}", response_model=schemas.Treatment)
async def get_treatment(who: Visitor, treatment_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    return answer(await catalog.treatment(database, treatment_id, language))


@router.get("/locticians", response_model=Page[schemas.Loctician])
async def list_locticians(
    who: Visitor, database: DatabaseDep, language: LanguageDep, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    return answer(await catalog.profiles(database, language, cursor, limit))


@router.get("/locticians/{loctician_id}", response_model=schemas.Loctician)
async def get_loctician(who: Visitor, loctician_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    return answer(await catalog.profile(database, loctician_id, language))


@router.get("/slots", response_model=schemas.Slots)
async def search_slots(
    who: Visitor,
    database: DatabaseDep,
    language: LanguageDep,
    service_id: Annotated[schemas.TreatmentIds, Query()],
    loctician_id: UUID | None = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    return answer(await slots.search(database, service_id, loctician_id, (start, end), limit, language))


@router.post("/bookings/check-availability", response_model=schemas.Availability)
async def check_availability(
    who: Visitor, asked: schemas.AvailabilityRequest, database: DatabaseDep, language: LanguageDep
) -> Response:
    return answer(await slots.check(database, who, asked, language))


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
