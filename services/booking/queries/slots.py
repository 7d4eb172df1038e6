from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prometheus_client import Histogram

from services.booking.queries.common import Row, function, row_of
from shared.database.session import Database

SLOTS_SECONDS = Histogram(
    "booking_slots_seconds",
    "Finding free slots, in the database",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
AVAILABILITY = function("availability")
SLOTS = "SELECT booking.slots_answer($1, $2, $3, $4, $5, $6, $7)"


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
