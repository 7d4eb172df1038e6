"""Bookings: take them, find them, change them, and record their outcome."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.messages import seal_message
from domain.roles import Role
from domain.search.terms import search_terms
from services.booking.bookings import queries, serializers
from services.booking.bookings.schemas import BookingRequest, ChangeRequest
from services.booking.customers import read_audit
from services.booking.customers.service import customer_for, loctician_for
from services.booking.dependencies import is_staff
from services.booking.errors import WITH_ALTERNATIVES, NotForOthers, WalkInHasNoAccount
from services.booking.serializers import Answer
from services.booking.slots import service as slots
from services.booking.slots.schemas import AvailabilityRequest
from services.booking.sql_calls import Row, call, fetch_in_transaction, fetch_row, fetch_rows, idempotency
from services.booking.waitlist import offers
from shared.database.session import Database
from shared.errors import BadCursor, NotFound, PreconditionRequired
from shared.http.pagination import decode_cursor, page
from shared.http.preconditions import matching_versions
from shared.identity.principals import SERVICE_CLAIMS, Principal, claims_of
from shared.messaging.events import new_id
from shared.privacy.events import audit_read

MOST_IN_SERIES = 26
MOST_COUNTED = 10_000
ID_START = re.compile("[0-9a-f]{4,32}")
EARLIEST_FIRST = "start"
NOT_CONFIRMED = "not_confirmed"
Outcome = Literal["confirmed", "completed", "no_show"]


@dataclass(frozen=True)
class PageWanted:
    """Which page of a list. `sort`: `start`, or `-start` for the latest first. `count`: also of how many in all."""

    cursor: str | None
    limit: int
    sort: str
    count: bool

    def conditions(self) -> Row:
        """Raises BadCursor, also for the cursor of the other order."""
        conditions: Row = {"limit": self.limit + 1, "sort": self.sort}
        if self.cursor:
            start, booking_id, *order = decode_cursor(self.cursor, *self._types())
            if order not in ([], [self.sort]):
                raise BadCursor
            conditions |= {"after_start": start, "after_id": booking_id}
        return conditions

    def key(self, row: Row) -> list[str]:
        """What the cursor to the next page holds."""
        return [row["start"], row["id"], *([self.sort] if self.sort != EARLIEST_FIRST else [])]

    def _types(self) -> list[type[Any]]:
        return [datetime, UUID] if self.sort == EARLIEST_FIRST else [datetime, UUID, str]


async def book(
    database: Database,
    principal: Principal,
    request: BookingRequest,
    key: str | None,
    language: str,
    browser: Row | None = None,
) -> Answer:
    """`browser`: whose holds the caller may use beside the own, see Visit.claims.

    Raises one of errors.RAISED_BY_SQL; an error about the time comes with the nearest free times.
    """
    customer_id = _customer_or_guest(principal, request)
    wanted = request.model_copy(update={"loctician_id": loctician_for(principal, request.loctician_id)})
    arguments = wanted.model_dump() | {
        "customer_id": customer_id,
        "booking_id": new_id(),
        **(browser or {}),
        **idempotency("bookings", key, wanted),
    }
    row = await slots.call_with_alternatives(
        database, principal, queries.BOOK, arguments, wanted, customer_id, language
    )
    return serializers.booking(row, principal, language)


def _customer_or_guest(principal: Principal, request: BookingRequest) -> UUID:
    """The customer; for a walk-in a new id that belongs to no account. Raises NotForOthers or WalkInHasNoAccount."""
    if principal.role == Role.CUSTOMER and request.internal_notes is not None:
        raise NotForOthers
    if request.walk_in is None:
        return customer_for(principal, request.customer_id)
    if principal.role == Role.CUSTOMER or request.customer_id is not None or request.hold_id is not None:
        raise WalkInHasNoAccount
    return new_id()


async def list_bookings(
    database: Database,
    principal: Principal,
    conditions: dict[str, Any],
    page_wanted: PageWanted,
    language: str,
) -> Answer:
    """One page of the bookings that the caller may see, by start. `q` in the conditions is for the salon.

    Raises NotForOthers, BadCursor.
    """
    wanted = {name: value for name, value in conditions.items() if value is not None}
    if "q" in wanted:
        wanted |= _search(principal, wanted.pop("q"))
    own = {str(Role.CUSTOMER): "customer_id", str(Role.LOCTICIAN): "loctician_id"}.get(principal.role)
    if own and wanted.setdefault(own, principal.id) != principal.id:
        return {"items": [], "next_cursor": None} | ({"count": 0} if page_wanted.count else {})
    claims = claims_of(principal).as_json()
    rows = await fetch_rows(database, queries.FIND, claims, wanted | page_wanted.conditions())
    await read_audit.record_rows(database, principal, "bookings", rows[: page_wanted.limit])
    answer = page(
        rows,
        page_wanted.limit,
        key=page_wanted.key,
        item=lambda row: serializers.booking(row, principal, language),
    )
    if page_wanted.count:
        answer["count"] = await fetch_row(database, queries.COUNT, claims, wanted | {"limit": MOST_COUNTED})
    return answer


def _search(principal: Principal, text: str) -> Row:
    """The conditions for what somebody typed: parts of name, phone or address, or the beginning of a booking's id."""
    if principal.role == Role.CUSTOMER:
        raise NotForOthers
    digits = text.strip().lower().replace("-", "")
    conditions: Row = {"terms": search_terms(text)}
    if ID_START.fullmatch(digits):
        conditions |= {"first_id": UUID(digits.ljust(32, "0")), "last_id": UUID(digits.ljust(32, "f"))}
    return conditions


async def get(database: Database, principal: Principal, booking_id: UUID, language: str) -> Answer:
    row = await _find(database, principal, booking_id)
    await read_audit.record_rows(database, principal, "booking", [row])
    return serializers.booking(row, principal, language)


async def _find(database: Database, principal: Principal, booking_id: UUID) -> Row:
    wanted = {"id": booking_id, "limit": 1}
    rows = await fetch_rows(database, queries.FIND, claims_of(principal).as_json(), wanted)
    if not rows:
        raise NotFound
    return rows[0]


async def find_series(database: Database, principal: Principal, series_id: UUID) -> list[Row]:
    """The bookings of a series that the caller sees, by start. Raises NotFound if there are none."""
    wanted = {"series_id": series_id, "limit": MOST_IN_SERIES}
    rows = await fetch_rows(database, queries.FIND, claims_of(principal).as_json(), wanted)
    if not rows:
        raise NotFound
    await read_audit.record_rows(database, principal, "bookings", rows)
    return rows


async def list_changes(session: AsyncSession, principal: Principal, booking_id: UUID, language: str) -> Answer:
    rows = await queries.history(session, booking_id)
    if not rows:
        raise NotFound
    audit_read(session, principal, "booking.history", [row.customer_id for row in rows])
    return {"items": [serializers.change(row, language, show_actor=is_staff(principal)) for row in rows]}


async def change(
    database: Database,
    principal: Principal,
    booking_id: UUID,
    request: ChangeRequest,
    if_match: str | None,
    language: str,
) -> Answer:
    """Moves or changes the booking, which keeps its id and history.

    Raises one of errors.RAISED_BY_SQL; an error about the time comes with the nearest free times.
    """
    if if_match is None:
        raise PreconditionRequired
    versions = matching_versions(if_match)
    arguments = request.model_dump(exclude_unset=True) | {"id": booking_id, "versions": versions}
    try:
        statement = queries.CHANGE if request.duration_minutes is None else queries.SET_LENGTH
        row = await offers.call_and_offer(database, principal, statement, arguments)
    except WITH_ALTERNATIVES as error:
        before = await _find(database, principal, booking_id)
        error.extensions["alternatives"] = await slots.nearest(
            database,
            principal,
            _changed_sitting(before, arguments),
            before["customer_id"] or principal.id,
            language,
            booking_id,
        )
        raise
    if versions is None or row["version"] in versions:  # nothing was changed, so the caller has only read the booking
        await read_audit.record_rows(database, principal, "booking", [row])
    return serializers.booking(row, principal, language)


def _changed_sitting(row: Row, changes: dict[str, Any]) -> AvailabilityRequest:
    """What the booking would be after the changes."""
    locticians = {item["loctician_id"] for item in row["items"]}
    return AvailabilityRequest(
        service_ids=changes.get("service_ids") or [item["service_id"] for item in row["items"]],
        loctician_id=changes.get("loctician_id", locticians.pop() if len(locticians) == 1 else None),
        start=changes.get("start") or row["start"],
    )


async def cancel(
    database: Database, principal: Principal, booking_id: UUID, reason: str | None, if_match: str | None, language: str
) -> Answer:
    """`reason` is shown to those who see the booking, and mailed to the customer if the salon cancels. Events only say
    who cancelled; they carry the reason sealed."""
    arguments = {"id": booking_id, "versions": matching_versions(if_match), "reason": reason or None}
    if reason and principal.role != Role.CUSTOMER and database.keys is not None:
        arguments["message"] = seal_message(database.keys, booking_id, reason)
    row = await offers.call_and_offer(database, principal, queries.CANCEL, arguments)
    window = {name: value for name, value in row.items() if name.startswith("cancellation_")}
    return serializers.booking(row, principal, language) | window


async def cancel_unconfirmed(session: AsyncSession) -> bool:
    """Cancels the booking that should have been confirmed first, and offers its time to the waitlist.

    Returns whether there was one.
    """
    booking_id = await queries.lock_unconfirmed(session)
    if booking_id is not None:
        request = {"id": str(booking_id), "code": NOT_CONFIRMED, "reason": NOT_CONFIRMED}
        claims = SERVICE_CLAIMS.as_json()
        await offers.offer_freed(session, await fetch_in_transaction(session, queries.CANCEL, claims, request))
    return booking_id is not None


async def set_outcome(
    database: Database, principal: Principal, booking_id: UUID, outcome: Outcome, if_match: str | None, language: str
) -> Answer:
    arguments = {"id": booking_id, "versions": matching_versions(if_match), "outcome": outcome}
    return serializers.booking(await call(database, principal, queries.SET_OUTCOME, arguments), principal, language)


async def correct(
    database: Database, principal: Principal, booking_id: UUID, statement: str, if_match: str | None, language: str
) -> Answer:
    """A correction by staff: `statement` is UNDO_NO_SHOW or KEEP."""
    arguments = {"id": booking_id, "versions": matching_versions(if_match)}
    return serializers.booking(await call(database, principal, statement, arguments), principal, language)
