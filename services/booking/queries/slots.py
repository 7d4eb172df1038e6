from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.booking.queries.common import Row, function, row_of
from shared.db import Database

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
    found: str | None = await database.straight.value(
        SLOTS, wanted.treatment_ids, wanted.loctician, wanted.start, wanted.end, wanted.limit, wanted.notice, language
    )
    return found
