"""Free times. Searches, availability checks and alternatives all use the SQL function booking.free_sittings()."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.clock import to_copenhagen
from domain.roles import Role
from domain.times import LAST_DAY
from services.booking.errors import BY_CODE, WITH_ALTERNATIVES
from services.booking.slots import errors, queries, serializers
from services.booking.slots.schemas import AvailabilityCheck, AvailabilityRequest
from services.booking.sql_calls import Row, call
from services.booking.visitors.service import Visit
from shared.database.session import Database
from shared.errors import BadCursor, Unauthorized
from shared.http.pagination import decode_cursor
from shared.identity.principals import Principal, claims_of

MOST_DAYS = 31  # of a search for slots; a month is one search
USUAL_SEARCH = timedelta(days=14)
MOST_SLOT_DAYS = 62  # of a search by day
USUAL_SLOT_DAYS = 31
NOTHING_FREE = '{"items":[],"next_cursor":null}'
UNKNOWN_CODES = {error.code for error in errors.UNKNOWN}


@dataclass(frozen=True)
class Wanted:
    """What is searched for; for a booking that is to be moved its own treatments if there are none here."""

    treatment_ids: list[UUID]
    loctician_id: UUID | None
    booking_id: UUID | None

    def to_move(self, language: str) -> Row:
        """The request of a search by the caller who is to move the booking."""
        ids = {"service_ids": self.treatment_ids, "loctician_id": self.loctician_id, "booking_id": self.booking_id}
        return ids | {"language": language}


async def search(
    database: Database,
    principal: Principal | None,
    wanted: Wanted,
    period: tuple[datetime | None, datetime | None],
    page: tuple[str | None, int],
    language: str,
) -> str:
    """The free times in JSON. Without a period: the next 14 days. `page`: the cursor and the limit.

    Raises RangeTooLong, UnknownTreatment, UnknownLoctician, TreatmentNotOffered or BadCursor; Unauthorized or NotFound
    for a booking that the caller may not change.
    """
    start = period[0] or datetime.now(UTC)
    end = period[1] or start + USUAL_SEARCH
    if (
        not start < end <= to_copenhagen(start) + timedelta(days=MOST_DAYS)
    ):  # days by the clock, one of them of 25 hours
        raise errors.RangeTooLong(days=MOST_DAYS)
    cursor, limit = page
    after = _after(cursor)
    if wanted.booking_id is not None:
        request = {"from": start, "to": end, "limit": limit, "after_start": after and after[0]}
        request |= {"after_loctician": after and after[1]} | wanted.to_move(language)
        slots = await queries.slots_to_move(database, claims_of(_signed_in(principal)).as_json(), request)
    else:
        query = queries.Search(
            wanted.treatment_ids, wanted.loctician_id, start, end, limit, _applies_notice(principal), after
        )
        slots = await queries.free_slots(database, query, language)
    if slots is None:
        await _raise_for_unknown(database, principal, wanted)
    return slots or NOTHING_FREE


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Raises BadCursor, also for an instant that PostgreSQL or a search has no use for."""
    if not cursor:
        return None
    start, loctician_id = decode_cursor(cursor, datetime, UUID)
    if not 2000 <= start.year <= LAST_DAY.year:
        raise BadCursor
    return start, loctician_id


async def search_days(
    database: Database,
    principal: Principal | None,
    wanted: Wanted,
    period: tuple[date | None, date | None],
    language: str,
) -> str:
    """The days from the first to the last, which is included, with what is free on each, in JSON. Without a period: 31
    days from today on. Raises as search() does.
    """
    first = period[0] or to_copenhagen(datetime.now(UTC)).date()
    last = period[1] or min(first + timedelta(days=USUAL_SLOT_DAYS - 1), LAST_DAY)
    if not first <= last < first + timedelta(days=MOST_SLOT_DAYS):
        raise errors.RangeTooLong(days=MOST_SLOT_DAYS)
    if wanted.booking_id is not None:
        request = {"from": first, "to": last} | wanted.to_move(language)
        days = await queries.days_to_move(database, claims_of(_signed_in(principal)).as_json(), request)
    else:
        notice = _applies_notice(principal)
        query = queries.DaySearch(wanted.treatment_ids, wanted.loctician_id, first, last, notice)
        days = await queries.free_days(database, query, language)
    if not days["found"]:
        await _raise_for_unknown(database, principal, wanted)
    answer: str = days["answer"]
    return answer


def _applies_notice(principal: Principal | None) -> bool:
    return principal is None or principal.role == Role.CUSTOMER  # the salon itself may book without notice


def _signed_in(principal: Principal | None) -> Principal:
    """Raises Unauthorized."""
    if principal is None:
        raise Unauthorized
    return principal


async def _raise_for_unknown(database: Database, principal: Principal | None, wanted: Wanted) -> None:
    """Raises an error if the search had no result because the treatment or the loctician does not exist."""
    request = {
        "service_ids": wanted.treatment_ids,
        "loctician_id": wanted.loctician_id,
        "booking_id": wanted.booking_id,
        "start": datetime.now(UTC) + timedelta(days=1),
    }
    reason = (await queries.availability(database, claims_of(principal).as_json(), request))["reason"]
    if reason in UNKNOWN_CODES:
        raise BY_CODE[reason]


async def check(database: Database, visit: Visit, request: AvailabilityCheck, language: str) -> dict[str, Any]:
    """Raises Unauthorized or NotFound for a booking that the caller may not change."""
    if request.booking_id is not None:
        _signed_in(visit.principal)
    arguments = request.model_dump() | {"service_ids": request.service_ids or [], "customer_id": visit.caller.id}
    row = await queries.availability(database, claims_of(visit.caller).as_json(), arguments | visit.claims)
    return {"available": row["reason"] is None, "reason": row["reason"], "alternatives": _alternatives(row, language)}


async def call_with_alternatives(
    database: Database,
    principal: Principal,
    statement: str,
    arguments: Row,
    request: AvailabilityRequest,
    customer_id: UUID,
    language: str,
) -> Row:
    """Like sql_calls.call(). An error about the time gets the nearest free times as `alternatives`."""
    try:
        return await call(database, principal, statement, arguments)
    except WITH_ALTERNATIVES as error:
        error.extensions["alternatives"] = await nearest(database, principal, request, customer_id, language)
        raise


async def nearest(
    database: Database,
    principal: Principal,
    request: AvailabilityRequest,
    customer_id: UUID,
    language: str,
    booking_id: UUID | None = None,
) -> list[dict[str, Any]]:
    """The free times nearest to the one asked for, which comes first if it is free. `booking_id`: is to be moved."""
    arguments = request.model_dump(include={"service_ids", "loctician_id", "start"}) | {
        "customer_id": customer_id,
        "booking_id": booking_id,
        "nearest": True,
    }
    return _alternatives(await queries.availability(database, claims_of(principal).as_json(), arguments), language)


def _alternatives(row: Row, language: str) -> list[dict[str, Any]]:
    return [serializers.slot(slot, row["service_ids"], language) for slot in row["alternatives"]]
