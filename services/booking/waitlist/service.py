"""The waitlist: customers who wish for a time that is taken, and are offered it when it becomes free."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.roles import Role
from services.booking.customers import read_audit
from services.booking.customers.service import loctician_for, waiting_customer_for
from services.booking.serializers import Answer
from services.booking.sql_calls import call, fetch_rows, idempotency
from services.booking.waitlist import offers, queries, serializers
from services.booking.waitlist.schemas import WaitRequest
from shared.database.session import Database
from shared.http.pagination import decode_cursor, page
from shared.identity.principals import Principal, claims_of


async def join(
    database: Database,
    principal: Principal,
    request: WaitRequest,
    key: str | None,
    language: str,
) -> Answer:
    """Adds the wish, and offers it a time at once if one is free. Raises one of errors.RAISED_BY_SQL."""
    arguments = request.model_dump() | {
        "customer_id": waiting_customer_for(principal, request.customer_id),
        "loctician_id": loctician_for(principal, request.loctician_id),
        **idempotency("waitlist", key, request),
    }
    joined = await call(database, principal, queries.JOIN, arguments)
    wish = joined["wish"]
    if not joined["repeated"]:
        ids = UUID(wish["id"]), UUID(wish["customer_id"])
        wish = await offers.offer_free_time(database, principal, *ids, key)
    return serializers.wish(wish, language)


async def list_wishes(
    database: Database, principal: Principal, customer_id: UUID | None, cursor: str | None, limit: int, language: str
) -> Answer:
    """One page, oldest first: staff see all wishes, others their own."""
    wanted: dict[str, Any] = {} if customer_id is None else {"customer_id": customer_id}
    if principal.role in {Role.CUSTOMER, Role.LOCTICIAN}:
        wanted["customer_id"] = principal.id
    if cursor:
        wanted["after_at"], wanted["after_id"] = decode_cursor(cursor, datetime, UUID)
    rows = await fetch_rows(database, queries.WISHES, claims_of(principal).as_json(), wanted | {"limit": limit + 1})
    await read_audit.record_rows(database, principal, "waitlist", rows[:limit])
    return page(
        rows,
        limit,
        key=lambda row: (row["created_at"], row["id"]),
        item=lambda row: serializers.wish(row, language),
    )


async def leave(database: Database, principal: Principal, waitlist_id: UUID) -> None:
    """Removes the wish. An open offer goes to the next customer. Raises NotFound."""
    await offers.call_and_offer(database, principal, queries.LEAVE, {"id": waitlist_id})
