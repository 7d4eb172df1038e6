"""Holds: a time reserved for a few minutes while the customer fills in the form."""

from uuid import UUID

from services.booking.customers.service import holder_for, loctician_for
from services.booking.holds import queries, serializers
from services.booking.holds.schemas import HoldRequest
from services.booking.serializers import Answer
from services.booking.slots.service import call_with_alternatives
from services.booking.sql_calls import call, idempotency
from shared.database.session import Database
from shared.identity.principals import Principal


async def hold(
    database: Database,
    principal: Principal,
    request: HoldRequest,
    key: str | None,
    language: str,
    *,
    require_verified: bool,
) -> Answer:
    """Holds a time and ends the customer's earlier hold.

    Raises one of errors.RAISED_BY_SQL; an error about the time comes with the nearest free times.
    """
    customer_id = holder_for(principal, request.customer_id)
    wanted = request.model_copy(
        update={"customer_id": customer_id, "loctician_id": loctician_for(principal, request.loctician_id)}
    )
    arguments = wanted.model_dump() | {"require_verified": require_verified, **idempotency("holds", key, wanted)}
    row = await call_with_alternatives(database, principal, queries.HOLD, arguments, wanted, customer_id, language)
    return serializers.hold(row, language)


async def release(database: Database, principal: Principal, hold_id: UUID) -> None:
    """Makes the time free again. An offer of the waitlist is declined by this. Raises NotFound."""
    await call(database, principal, queries.RELEASE, {"id": hold_id})
