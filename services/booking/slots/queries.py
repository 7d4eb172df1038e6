from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from prometheus_client import Histogram
from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import Row, function, row_of
from shared.database.session import Database

SLOTS_SECONDS = Histogram(
    "booking_slots_seconds",
    "Finding free slots, in the database",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
AVAILABILITY = function("check_availability")
SLOTS = "SELECT booking.slots_json($1, $2, $3, $4, $5, $6, $7)"


@dataclass(frozen=True)
class Search:
    treatment_ids: list[UUID]
    loctician: UUID | None
    start: datetime
    end: datetime
    limit: int
    notice: bool


async def availability(database: Database, claims: str, request: Row) -> Row:
    return await row_of(database, AVAILABILITY, claims, request)


async def free_slots(database: Database, wanted: Search, language: str) -> str | None:
    """The answer as it is sent; None when nothing is free."""
    with SLOTS_SECONDS.time():
        found: str | None = await database.autocommit.value(
            SLOTS,
            wanted.treatment_ids,
            wanted.loctician,
            wanted.start,
            wanted.end,
            wanted.limit,
            wanted.notice,
            language,
        )
    return found


OPEN_DAYS = text(
    "SELECT booking.set_open_days(:loctician, CAST(:version AS integer), CAST(:days AS jsonb))"
).bindparams(bindparam("loctician", type_=Uuid))


async def open_days(session: AsyncSession, loctician_id: UUID, version: int, days: list[dict[str, Any]]) -> None:
    """Each day's newest version stands. Bookings that lie outside hours now are flagged."""
    params = {"loctician": loctician_id, "version": version, "days": orjson.dumps(days).decode()}
    await session.execute(OPEN_DAYS, params)
