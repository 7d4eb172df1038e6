"""Bookings: taking them, one or a series, and finding them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.clock import copenhagen
from domain.roles import Role
from services.booking import reading
from services.booking.answers import bookings as answers
from services.booking.commands import keyed, run, run_or_offer
from services.booking.errors.bookings import CustomerRequired, NotForOthers, NothingBooked, WalkInHasNoAccount
from services.booking.queries import bookings as queries
from services.booking.queries.common import rows_of
from services.booking.schemas.bookings import BookingRequest, SeriesRequest
from services.booking.schemas.slots import AvailabilityRequest
from shared.database.session import Database
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.principals import Principal, claims_of
from shared.messaging.events import new_id
from shared.privacy.events import audited_read

SALON = {Role.STAFF, Role.ADMIN}


def customer_of(who: Principal, named: UUID | None) -> UUID:
    """Whom something is for. Staff name the customer, a loctician may. Raises NotForOthers or CustomerRequired."""
    if who.role in SALON and named is None:
        raise CustomerRequired
    if who.role == Role.CUSTOMER and named not in {None, who.id}:
        raise NotForOthers
    return named or who.id


def chair_of(who: Principal, named: UUID | None) -> UUID | None:
    """The loctician asked for; a loctician books the own chair. Raises NotForOthers."""
    if who.role != Role.LOCTICIAN:
        return named
    if named not in {None, who.id}:
        raise NotForOthers
    return who.id


def guest_of(who: Principal, asked: BookingRequest) -> UUID:
    """The customer, or for a walk-in an id that nobody else has."""
    if who.role == Role.CUSTOMER and asked.internal_notes is not None:
        raise NotForOthers
    if asked.walk_in is None:
        return customer_of(who, asked.customer_id)
    if who.role == Role.CUSTOMER or asked.customer_id is not None or asked.hold_id is not None:
        raise WalkInHasNoAccount
    return new_id()


async def book(
    database: Database, who: Principal, asked: BookingRequest, key: str | None, language: str, *, require_verified: bool
) -> dict[str, Any]:
    """Raises one of errors.REFUSALS; a conflict names the nearest free slots."""
    customer_id = guest_of(who, asked)
    wanted = asked.model_copy(update={"loctician_id": chair_of(who, asked.loctician_id)})
    request = wanted.model_dump() | {
        "customer_id": customer_id,
        "require_verified": require_verified,
        "booking_id": new_id(),
        **keyed("bookings", key, wanted),
    }
    booked = await run_or_offer(database, who, queries.BOOK, request, wanted, customer_id, language)
    return answers.booking(booked, who, language)


async def book_series(
    database: Database, who: Principal, asked: SeriesRequest, key: str | None, language: str, *, require_verified: bool
) -> dict[str, Any]:
    """Each date by itself. Raises NothingBooked when none can be had, with the reasons."""
    request = asked.model_dump() | {
        "customer_id": customer_of(who, asked.customer_id),
        "loctician_id": chair_of(who, asked.loctician_id),
        "starts": dates_of(asked),
        "require_verified": require_verified,
        "series_id": new_id(),
        **keyed("series", key, asked),
    }
    series = answers.series(await run(database, who, queries.BOOK_SERIES, request), who, language)
    if all(one["booking"] is None for one in series["items"]):
        raise NothingBooked(extensions={"items": series["items"]})
    return series


def dates_of(asked: SeriesRequest) -> list[datetime]:
    """The same hour of the clock in Copenhagen each time, whatever happens to the clock between."""
    first = copenhagen(asked.start)
    return [first + timedelta(weeks=asked.every_weeks * nth) for nth in range(asked.times)]


async def find(
    database: Database, who: Principal, conditions: dict[str, Any], cursor: str | None, limit: int, language: str
) -> dict[str, Any]:
    """One page of what the caller may see, by start."""
    wanted = {name: value for name, value in conditions.items() if value is not None}
    own = {str(Role.CUSTOMER): "customer_id", str(Role.LOCTICIAN): "loctician_id"}.get(who.role)
    if own and wanted.setdefault(own, who.id) != who.id:
        return {"items": [], "next_cursor": None}
    if cursor:
        wanted["after_start"], wanted["after_id"] = decode_cursor(cursor, datetime, UUID)
    rows = await rows_of(database, queries.FIND, claims_of(who).as_json(), wanted | {"limit": limit + 1})
    more = encode_cursor(rows[limit - 1]["start"], rows[limit - 1]["id"]) if len(rows) > limit else None
    await reading.note_rows(database, who, "bookings", rows[:limit])
    return {"items": [answers.booking(row, who, language) for row in rows[:limit]], "next_cursor": more}


async def get(database: Database, who: Principal, booking_id: UUID, language: str) -> dict[str, Any]:
    row = await stored(database, who, booking_id)
    await reading.note_rows(database, who, "booking", [row])
    return answers.booking(row, who, language)


async def stored(database: Database, who: Principal, booking_id: UUID) -> dict[str, Any]:
    rows = await rows_of(database, queries.FIND, claims_of(who).as_json(), {"id": booking_id, "limit": 1})
    if not rows:
        raise NotFound
    return rows[0]


async def history(session: AsyncSession, who: Principal, booking_id: UUID, language: str) -> dict[str, Any]:
    rows = await queries.history(session, booking_id)
    if not rows:
        raise NotFound
    audited_read(session, who, "booking.history", [row.customer_id for row in rows])
    return {"items": [answers.change(row, language, show_actor=who.role in SALON) for row in rows]}


def sitting_of(row: dict[str, Any], asked: dict[str, Any]) -> AvailabilityRequest:
    """What a changed booking would be, for finding it another time."""
    chairs = {one["loctician_id"] for one in row["items"]}
    return AvailabilityRequest(
        service_ids=asked.get("service_ids") or [one["service_id"] for one in row["items"]],
        loctician_id=asked.get("loctician_id", chairs.pop() if len(chairs) == 1 else None),
        start=asked.get("start") or row["start"],
    )
