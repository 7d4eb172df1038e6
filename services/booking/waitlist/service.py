"""The waitlist: who would like a time that is taken, and is offered one when it opens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.roles import Role
from services.booking.customers import read_audit
from services.booking.customers.service import chair_of, customer_of
from services.booking.sql_calls import keyed, rows_of, run
from services.booking.waitlist import queries, serializers
from services.booking.waitlist.schemas import WaitRequest
from shared.database.session import Database
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.principals import Principal, claims_of


async def wait(
    database: Database, who: Principal, asked: WaitRequest, key: str | None, language: str, *, require_verified: bool
) -> dict[str, Any]:
    request = asked.model_dump() | {
        "customer_id": customer_of(who, asked.customer_id),
        "loctician_id": chair_of(who, asked.loctician_id),
        "require_verified": require_verified,
        **keyed("waitlist", key, asked),
    }
    return serializers.waiting(await run(database, who, queries.WAIT, request), language)


async def wishes(
    database: Database, who: Principal, customer_id: UUID | None, cursor: str | None, limit: int, language: str
) -> dict[str, Any]:
    """One page of one's own, or for staff of everybody's, by when they came."""
    wanted: dict[str, Any] = {} if customer_id is None else {"customer_id": customer_id}
    if who.role in {Role.CUSTOMER, Role.LOCTICIAN}:
        wanted["customer_id"] = who.id
    if cursor:
        wanted["after_at"], wanted["after_id"] = decode_cursor(cursor, datetime, UUID)
    rows = await rows_of(database, queries.WISHES, claims_of(who).as_json(), wanted | {"limit": limit + 1})
    await read_audit.note_rows(database, who, "waitlist", rows[:limit])
    more = encode_cursor(rows[limit - 1]["created_at"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return {"items": [serializers.waiting(row, language) for row in rows[:limit]], "next_cursor": more}


async def leave(database: Database, who: Principal, waitlist_id: UUID) -> None:
    """An offer that is open goes to the next."""
    await run(database, who, queries.STOP_WAITING, {"id": waitlist_id})
