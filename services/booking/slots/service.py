"""Free times. Searches, availability checks and alternatives all use the SQL function booking.free_sittings()."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.clock import to_copenhagen
from domain.roles import Role
from services.booking.errors import BY_CODE, WITH_ALTERNATIVES
from services.booking.slots import errors, queries, serializers
from services.booking.slots.schemas import AvailabilityRequest
from services.booking.sql_calls import Row, call
from shared.database.session import Database
from shared.identity.principals import Principal, claims_of

LONGEST_SEARCH = timedelta(days=31)
USUAL_SEARCH = timedelta(days=14)
NOTHING_FREE = '{"items":[]}'
UNKNOWN_CODES = {error.code for error in errors.UNKNOWN}


async def search(
    database: Database,
    principal: Principal | None,
    treatment_ids: list[UUID],
    loctician_id: UUID | None,
    period: tuple[datetime | None, datetime | None],
    limit: int,
    language: str,
) -> str:
    """The free times in JSON. Without a period: the next 14 days.

    Raises RangeTooLong, and UnknownTreatment, UnknownLoctician or TreatmentNotOffered.
    """
    start = period[0] or datetime.now(UTC)
    end = period[1] or start + USUAL_SEARCH
    if not start < end <= to_copenhagen(start) + LONGEST_SEARCH:  # days by the clock, one of them of 25 hours
        raise errors.RangeTooLong
    apply_notice = principal is None or principal.role == Role.CUSTOMER  # the salon itself may book without notice
    wanted = queries.Search(treatment_ids, loctician_id, start, end, limit, apply_notice)
    slots = await queries.free_slots(database, wanted, language)
    if slots is None:
        await _raise_for_unknown(database, treatment_ids, loctician_id)
    return slots or NOTHING_FREE


async def _raise_for_unknown(database: Database, treatment_ids: list[UUID], loctician_id: UUID | None) -> None:
    """Raises an error if the search had no result because the treatment or the loctician does not exist."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    request = AvailabilityRequest(service_ids=treatment_ids, loctician_id=loctician_id, start=tomorrow)
    reason = (await _availability(database, None, request))["reason"]
    if reason in UNKNOWN_CODES:
        raise BY_CODE[reason]


async def check(
    database: Database, principal: Principal | None, request: AvailabilityRequest, language: str
) -> dict[str, Any]:
    row = await _availability(database, principal, request)
    return {
        "available": row["reason"] is None,
        "reason": row["reason"],
        "alternatives": _alternatives(row, request, language),
    }


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
    database: Database, principal: Principal, request: AvailabilityRequest, customer_id: UUID, language: str
) -> list[dict[str, Any]]:
    """The free times nearest to the one asked for, which comes first if it is free."""
    more = {"customer_id": customer_id, "nearest": True}
    return _alternatives(await _availability(database, principal, request, more), request, language)


async def _availability(
    database: Database, principal: Principal | None, request: AvailabilityRequest, more: Row | None = None
) -> Row:
    arguments = request.model_dump(include={"service_ids", "loctician_id", "start"})
    arguments |= {"customer_id": principal and principal.id} | (more or {})
    return await queries.availability(database, claims_of(principal).as_json(), arguments)


def _alternatives(row: Row, request: AvailabilityRequest, language: str) -> list[dict[str, Any]]:
    return [serializers.slot(slot, request.service_ids, language) for slot in row["alternatives"]]
