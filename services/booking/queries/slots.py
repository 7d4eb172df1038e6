from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text

from services.booking.queries.common import Row, json_of
from shared.db import Database

AVAILABILITY = text("SELECT CAST(booking.availability(CAST(:claims AS jsonb), CAST(:request AS jsonb)) AS text)")
FREE_SLOTS = text(
    "SELECT starts_at, ends_at, loctician_id, price_amount"
    " FROM booking.free_slots(:treatments, :loctician, :from, :to, CAST(:limit AS integer))"
).bindparams(
    bindparam("treatments", type_=ARRAY(Uuid)),
    bindparam("loctician", type_=Uuid),
    bindparam("from", type_=DateTime(timezone=True)),
    bindparam("to", type_=DateTime(timezone=True)),
)


async def availability(database: Database, claims: str, request: Row) -> Row:
    return await json_of(database, AVAILABILITY, {"claims": claims, "request": orjson.dumps(request).decode()})


async def free_slots(
    database: Database, treatment_ids: list[UUID], loctician: UUID | None, start: datetime, end: datetime, limit: int
) -> Sequence[Any]:
    params = {"treatments": treatment_ids, "loctician": loctician, "from": start, "to": end, "limit": limit}
    return await database.call(FREE_SLOTS, params)
