"""Holds: a time kept for a few minutes while somebody fills in the form."""

from typing import Any
from uuid import UUID

from services.booking.customers.service import chair_of, holder_of
from services.booking.holds import queries, serializers
from services.booking.holds.schemas import HoldRequest
from services.booking.slots.service import run_or_offer
from services.booking.sql_calls import keyed, run
from shared.database.session import Database
from shared.identity.principals import Principal


async def hold(
    database: Database, who: Principal, asked: HoldRequest, key: str | None, language: str, *, require_verified: bool
) -> dict[str, Any]:
    """Ends an earlier hold of the same customer. A conflict names the nearest free slots."""
    customer_id = holder_of(who, asked.customer_id)
    wanted = asked.model_copy(update={"customer_id": customer_id, "loctician_id": chair_of(who, asked.loctician_id)})
    request = wanted.model_dump() | {"require_verified": require_verified, **keyed("holds", key, wanted)}
    held = await run_or_offer(database, who, queries.HOLD, request, wanted, customer_id, language)
    return serializers.hold(held, language)


async def release(database: Database, who: Principal, hold_id: UUID) -> None:
    """The time is free again; for an offer of the waitlist this turns it down."""
    await run(database, who, queries.RELEASE, {"id": hold_id})
