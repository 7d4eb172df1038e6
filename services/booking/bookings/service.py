"""Bookings: taking them, one or a series, and finding them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.booking.bookings import queries, serializers
from services.booking.bookings.schemas import BookingRequest, ChangeRequest
from services.booking.customers import read_audit
from services.booking.customers.service import chair_of, customer_of
from services.booking.dependencies import SALON
from services.booking.errors import ABOUT_THE_TIME, NotForOthers, WalkInHasNoAccount
from services.booking.slots import service as slots
from services.booking.slots.schemas import AvailabilityRequest
from services.booking.slots.service import run_or_offer
from services.booking.sql_calls import expected, keyed, rows_of, run
from shared.database.session import Database
from shared.errors import NotFound, PreconditionRequired
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.principals import Principal, claims_of
from shared.messaging.events import new_id
from shared.privacy.events import audit_read


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
    return serializers.booking(booked, who, language)


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
    await read_audit.note_rows(database, who, "bookings", rows[:limit])
    return {"items": [serializers.booking(row, who, language) for row in rows[:limit]], "next_cursor": more}


async def get(database: Database, who: Principal, booking_id: UUID, language: str) -> dict[str, Any]:
    row = await stored(database, who, booking_id)
    await read_audit.note_rows(database, who, "booking", [row])
    return serializers.booking(row, who, language)


async def stored(database: Database, who: Principal, booking_id: UUID) -> dict[str, Any]:
    rows = await rows_of(database, queries.FIND, claims_of(who).as_json(), {"id": booking_id, "limit": 1})
    if not rows:
        raise NotFound
    return rows[0]


async def history(session: AsyncSession, who: Principal, booking_id: UUID, language: str) -> dict[str, Any]:
    rows = await queries.history(session, booking_id)
    if not rows:
        raise NotFound
    audit_read(session, who, "booking.history", [row.customer_id for row in rows])
    return {"items": [serializers.change(row, language, show_actor=who.role in SALON) for row in rows]}


def sitting_of(row: dict[str, Any], asked: dict[str, Any]) -> AvailabilityRequest:
    """What a changed booking would be, for finding it another time."""
    chairs = {one["loctician_id"] for one in row["items"]}
    return AvailabilityRequest(
        service_ids=asked.get("service_ids") or [one["service_id"] for one in row["items"]],
        loctician_id=asked.get("loctician_id", chairs.pop() if len(chairs) == 1 else None),
        start=asked.get("start") or row["start"],
    )


Outcome = Literal["confirmed", "completed", "no_show"]


async def change(
    database: Database, who: Principal, booking_id: UUID, asked: ChangeRequest, if_match: str | None, language: str
) -> dict[str, Any]:
    """Keeps id and history. A refusal of the time names the nearest free ones; the booking then stays as it was."""
    if if_match is None:
        raise PreconditionRequired
    request = asked.model_dump(exclude_unset=True) | {"id": booking_id, "versions": expected(if_match)}
    try:
        changed = await run(database, who, queries.CHANGE, request)
    except ABOUT_THE_TIME as refusal:
        row = await stored(database, who, booking_id)
        customer_id = row["customer_id"] or who.id
        refusal.extensions["alternatives"] = await slots.nearest(
            database, who, sitting_of(row, request), customer_id, language
        )
        raise
    if request["versions"] is None or changed["version"] in request["versions"]:  # then it may have changed nothing
        await read_audit.note_rows(database, who, "booking", [changed])
    return serializers.booking(changed, who, language)


async def cancel(
    database: Database, who: Principal, booking_id: UUID, reason: str | None, if_match: str | None, language: str
) -> dict[str, Any]:
    """`reason` is for those who see the booking; events carry only who cancelled."""
    request = {"id": booking_id, "versions": expected(if_match), "reason": reason}
    cancelled = await run(database, who, queries.CANCEL, request)
    window = {name: value for name, value in cancelled.items() if name.startswith("cancellation_")}
    return serializers.booking(cancelled, who, language) | window


async def settle(
    database: Database, who: Principal, booking_id: UUID, outcome: Outcome, if_match: str | None, language: str
) -> dict[str, Any]:
    request = {"id": booking_id, "versions": expected(if_match), "outcome": outcome}
    return serializers.booking(await run(database, who, queries.SETTLE, request), who, language)
