"""SQL of free times, and of the open windows that they come from."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from prometheus_client import Histogram
from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import Row, fetch_row, function_call, raising_problems
from shared.database.session import Database

SLOTS_SECONDS = Histogram(
    "booking_slots_seconds",
    "How long the database took to find free slots",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
DAYS_SECONDS = Histogram(
    "booking_slot_days_seconds",
    "How long the database took to find the free slots of a period, by day",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
AVAILABILITY = function_call("check_availability")
SLOTS = "SELECT booking.slots_json($1, $2, $3, $4, $5, $6, $7, '{}', $8, $9)"
SLOTS_TO_MOVE = "SELECT booking.slots_to_move(CAST($1 AS jsonb), CAST($2 AS jsonb))"
DAYS = "SELECT answer, found FROM booking.slot_days_json($1, $2, $3, $4, $5, $6)"
DAYS_TO_MOVE = "SELECT answer, found FROM booking.slot_days_to_move(CAST($1 AS jsonb), CAST($2 AS jsonb))"
SET_OPEN_DAYS = text(
    "SELECT booking.set_open_days(:loctician, CAST(:version AS integer), CAST(:days AS jsonb))"
).bindparams(bindparam("loctician", type_=Uuid))


@dataclass(frozen=True)
class Search:
    """`apply_notice`: leave out the times that the salon's minimum notice excludes. `after`: start and loctician of the
    last slot that the caller has."""

    treatment_ids: list[UUID]
    loctician_id: UUID | None
    start: datetime
    end: datetime
    limit: int
    apply_notice: bool
    after: tuple[datetime, UUID] | None


@dataclass(frozen=True)
class DaySearch:
    """`last` is included. `apply_notice`: as in a Search."""

    treatment_ids: list[UUID]
    loctician_id: UUID | None
    first: date
    last: date
    apply_notice: bool


async def availability(database: Database, claims: str, request: Row) -> Row:
    """Raises NotFound for a booking that the caller does not see."""
    with raising_problems():
        return await fetch_row(database, AVAILABILITY, claims, request)


async def free_slots(database: Database, search: Search, language: str) -> str | None:
    """The answer in JSON, as it is sent; None if nothing is free."""
    with SLOTS_SECONDS.time():
        answer: str | None = await database.autocommit.value(
            SLOTS,
            search.treatment_ids,
            search.loctician_id,
            search.start,
            search.end,
            search.limit,
            search.apply_notice,
            language,
            *(search.after or (None, None)),
        )
    return answer


async def slots_to_move(database: Database, claims: str, request: Row) -> str | None:
    """The same for the caller who is to move a booking. Raises NotFound."""
    with SLOTS_SECONDS.time(), raising_problems():
        answer: str | None = await database.autocommit.value(SLOTS_TO_MOVE, claims, orjson.dumps(request).decode())
    return answer


async def free_days(database: Database, search: DaySearch, language: str) -> Any:
    """A row of the answer in JSON, and whether anything is `found`."""
    with DAYS_SECONDS.time():
        return await database.autocommit.row(
            DAYS,
            search.treatment_ids,
            search.loctician_id,
            search.first,
            search.last,
            search.apply_notice,
            language,
        )


async def days_to_move(database: Database, claims: str, request: Row) -> Any:
    """The same for the caller who is to move a booking. Raises NotFound."""
    with DAYS_SECONDS.time(), raising_problems():
        return await database.autocommit.row(DAYS_TO_MOVE, claims, orjson.dumps(request).decode())


async def replace_open_windows(
    session: AsyncSession, loctician_id: UUID, version: int, days: list[dict[str, Any]]
) -> None:
    """Stores the windows of each day unless a newer version is known. Flags the bookings that are now outside them."""
    params = {"loctician": loctician_id, "version": version, "days": orjson.dumps(days).decode()}
    await session.execute(SET_OPEN_DAYS, params)
