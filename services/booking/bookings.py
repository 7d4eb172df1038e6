"""Bookings: taking, finding and cancelling them."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import slots
from services.booking.answers import bookings as answers
from services.booking.errors import refusal_of
from services.booking.errors.bookings import AlreadyStarted, CustomerRequired, NotForOthers, WrongStatus
from services.booking.events import BookingCancelled
from services.booking.queries import bookings as queries
from services.booking.schemas.bookings import BookingRequest
from shared.auth import Principal, Role, claims_of
from shared.db import Database
from shared.errors import Conflict, NotFound, ProblemError, StaleVersion
from shared.events import emit, new_id
from shared.schemas import decode_cursor, encode_cursor

CANCELLATION_WINDOW_HOURS = 24
SALON = {Role.STAFF, Role.ADMIN}


def customer_of(who: Principal, asked: BookingRequest) -> UUID:
    """Whom the booking is for. Raises NotForOthers or CustomerRequired."""
    if who.role in SALON:
        if asked.customer_id is None:
            raise CustomerRequired
        return asked.customer_id
    if asked.customer_id not in {None, who.id}:
        raise NotForOthers
    return who.id


def chair_of(who: Principal, asked: BookingRequest) -> UUID | None:
    """The loctician asked for; a loctician books the own chair. Raises NotForOthers."""
    if who.role != Role.LOCTICIAN:
        return asked.loctician_id
    if asked.loctician_id not in {None, who.id}:
        raise NotForOthers
    return who.id


async def book(
    database: Database, who: Principal, asked: BookingRequest, key: str | None, language: str, *, require_verified: bool
) -> dict[str, Any]:
    """Raises one of errors.REFUSALS; a conflict names the nearest free slots."""
    customer_id = customer_of(who, asked)
    final = asked.model_copy(update={"customer_id": customer_id, "loctician_id": chair_of(who, asked)})
    request = final.model_dump() | {
        "key": key,
        "request_hash": hashlib.sha256(b"bookings" + final.model_dump_json().encode()).hexdigest(),
        "require_verified": require_verified,
        "booking_id": new_id(),
        "event_id": new_id(),
        "item_ids": [new_id() for _ in final.service_ids],
    }
    try:
        booked = await queries.book(database, claims_of(who).as_json(), request)
    except DBAPIError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise await _explained(refusal, database, who, final, language) from error
    database.notifier.poke()
    return answers.booking(booked, language)


async def _explained(
    refusal: type[ProblemError], database: Database, who: Principal, asked: BookingRequest, language: str
) -> ProblemError:
    if not issubclass(refusal, Conflict) or asked.customer_id is None:
        return refusal()
    nearest = await slots.nearest(database, who, asked, asked.customer_id, language)
    return refusal(extensions={"alternatives": nearest})


async def find(
    database: Database, who: Principal, conditions: dict[str, Any], cursor: str | None, limit: int, language: str
) -> dict[str, Any]:
    """One page of what the caller may see, by start."""
    wanted = {name: value for name, value in conditions.items() if value is not None}
    own = {Role.CUSTOMER: "customer_id", Role.LOCTICIAN: "loctician_id"}.get(who.role)
    if own and wanted.setdefault(own, who.id) != who.id:
        return {"items": [], "next_cursor": None}
    if cursor:
        wanted["after_start"], wanted["after_id"] = decode_cursor(cursor, datetime, UUID)
    rows = await queries.find_bookings(database, claims_of(who).as_json(), wanted | {"limit": limit + 1})
    more = encode_cursor(rows[limit - 1]["start"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return {"items": [answers.booking(row, language) for row in rows[:limit]], "next_cursor": more}


async def get(database: Database, who: Principal, booking_id: UUID, language: str) -> dict[str, Any]:
    rows = await queries.find_bookings(database, claims_of(who).as_json(), {"id": booking_id, "limit": 1})
    if not rows:
        raise NotFound
    return answers.booking(rows[0], language)


async def cancel(
    session: AsyncSession, who: Principal, booking_id: UUID, reason: str | None, if_match: str | None, language: str
) -> dict[str, Any]:
    found = await queries.locked_booking(session, booking_id)
    if found is None:
        raise NotFound
    if if_match not in {None, "*", f'"{found.version}"'}:
        raise StaleVersion
    if found.status not in {"pending", "confirmed"}:
        raise WrongStatus(status=found.status)
    remaining = found.starts_at - datetime.now(UTC)
    if remaining <= timedelta(0) and who.role == Role.CUSTOMER:
        raise AlreadyStarted
    booking = await release(session, booking_id, reason, "by_customer" if who.role == Role.CUSTOMER else "by_salon")
    return answers.booking(booking, language) | {
        "cancellation_window_hours": CANCELLATION_WINDOW_HOURS,
        "cancellation_window_kept": remaining >= timedelta(hours=CANCELLATION_WINDOW_HOURS),
    }


async def release(session: AsyncSession, booking_id: UUID, reason: str | None, code: str) -> dict[str, Any]:
    """Cancel and free the time, whoever asks. `code` goes into the event, `reason` never does."""
    await queries.mark_cancelled(session, booking_id, reason)
    payload, booking = await queries.cancelled(session, booking_id, code)
    emit(session, BookingCancelled.model_validate_json(payload))
    return booking


async def history(session: AsyncSession, who: Principal, booking_id: UUID) -> dict[str, Any]:
    rows = await queries.history(session, booking_id)
    if not rows:
        raise NotFound
    return {"items": [answers.change(row, show_actor=who.role in SALON) for row in rows]}
