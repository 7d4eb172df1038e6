from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client import Histogram
from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text

from services.booking.queries.common import Row, function, row_of
from shared.db import Database

SLOTS_SECONDS = Histogram(
    "booking_slots_seconds",
    "Finding free slots, in the database",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
AVAILABILITY = function("availability")
FREE_SLOTS = text(
    "SELECT starts_at, ends_at, loctician_id, price_amount, parts"
    " FROM booking.free_slots(:treatments, :loctician, :from, :to, CAST(:limit AS integer), :notice)"
).bindparams(
    bindparam("treatments", type_=ARRAY(Uuid)),
    bindparam("loctician", type_=Uuid),
    bindparam("from", type_=DateTime(timezone=True)),
    bindparam("to", type_=DateTime(timezone=True)),
)


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


async def free_slots(database: Database, search: Search) -> Sequence[Any]:
    params = {
        "treatments": search.treatment_ids,
        "loctician": search.loctician,
        "from": search.start,
        "to": search.end,
        "limit": search.limit,
        "notice": search.notice,
    }
    with SLOTS_SECONDS.time():
        return await database.call(FREE_SLOTS, params)
