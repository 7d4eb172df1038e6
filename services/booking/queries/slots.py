from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text

from services.booking.queries.common import Row, function, row_of
from shared.db import Database

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
    return await database.call(FREE_SLOTS, params)
