"""Free time: one engine (the SQL function booking.free_sittings) for searching, checking and alternatives."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.roles import Role
from services.booking.errors import ABOUT_THE_TIME, REFUSALS
from services.booking.slots import queries, serializers
from services.booking.slots import service as slots
from services.booking.slots.errors import RangeTooLong
from services.booking.slots.queries import Search
from services.booking.slots.schemas import AvailabilityRequest
from services.booking.sql_calls import Row, run
from shared.database.session import Database
from shared.identity.principals import Principal, claims_of

LONGEST_SEARCH = timedelta(days=31)
USUAL_SEARCH = timedelta(days=14)
NOTHING_FREE = '{"items":[]}'


async def search(
    database: Database,
    who: Principal | None,
    treatment_ids: list[UUID],
    loctician: UUID | None,
    between: tuple[datetime | None, datetime | None],
    limit: int,
    language: str,
) -> str:
    start = between[0] or datetime.now(UTC)
    end = between[1] or start + USUAL_SEARCH
    if not start < end <= start + LONGEST_SEARCH:
        raise RangeTooLong
    notice = who is None or who.role == Role.CUSTOMER  # the salon itself needs none
    found = await queries.free_slots(database, Search(treatment_ids, loctician, start, end, limit, notice), language)
    if found is None:
        await _refuse_unknown(database, treatment_ids, loctician)
    return found or NOTHING_FREE


async def _refuse_unknown(database: Database, treatment_ids: list[UUID], loctician: UUID | None) -> None:
    """Nothing free is an answer; something that does not exist is a mistake."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    asked = AvailabilityRequest(service_ids=treatment_ids, loctician_id=loctician, start=tomorrow)
    reason = (await _availability(database, None, asked))["reason"]
    if reason in {"unknown_treatment", "unknown_loctician", "treatment_not_offered"}:
        raise REFUSALS[reason]


async def check(database: Database, who: Principal | None, asked: AvailabilityRequest, language: str) -> dict[str, Any]:
    found = await _availability(database, who, asked)
    return {
        "available": found["reason"] is None,
        "reason": found["reason"],
        "alternatives": _alternatives(found, asked, language),
    }


async def nearest(
    database: Database, who: Principal, asked: AvailabilityRequest, customer_id: UUID, language: str
) -> list[dict[str, Any]]:
    """Also when the time asked for is free: then it comes first."""
    request = {"customer_id": customer_id, "nearest": True}
    return _alternatives(await _availability(database, who, asked, request), asked, language)


async def _availability(
    database: Database, who: Principal | None, asked: AvailabilityRequest, more: dict[str, Any] | None = None
) -> dict[str, Any]:
    request = asked.model_dump(include={"service_ids", "loctician_id", "start"}) | {"customer_id": who and who.id}
    request |= more or {}
    return await queries.availability(database, claims_of(who).as_json(), request)


def _alternatives(found: dict[str, Any], asked: AvailabilityRequest, language: str) -> list[dict[str, Any]]:
    return [serializers.slot(one, asked.service_ids, language) for one in found["alternatives"]]


async def run_or_offer(
    database: Database,
    who: Principal,
    statement: str,
    request: Row,
    asked: AvailabilityRequest,
    customer_id: UUID,
    language: str,
) -> Row:
    """The same; a refusal of the time names the nearest free ones."""
    try:
        return await run(database, who, statement, request)
    except ABOUT_THE_TIME as refusal:
        refusal.extensions["alternatives"] = await slots.nearest(database, who, asked, customer_id, language)
        raise
