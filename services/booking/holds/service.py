"""Holds: a time reserved for a few minutes while the customer fills in the form."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.customers.service import holder_for, loctician_for
from services.booking.holds import queries, serializers
from services.booking.holds.schemas import HoldRequest
from services.booking.serializers import Answer
from services.booking.slots.service import call_with_alternatives
from services.booking.sql_calls import Row, call, idempotency
from services.booking.visitors.service import Visit
from services.booking.waitlist import offers
from shared.database.session import Database
from shared.identity.principals import Principal
from shared.observability.log import logger

log = logger(__name__)


async def hold(database: Database, visit: Visit, request: HoldRequest, key: str | None, language: str) -> Answer:
    """Holds a time and ends the earlier hold of the customer or the browser.

    Raises one of errors.RAISED_BY_SQL; an error about the time comes with the nearest free times.
    """
    caller = visit.caller
    customer_id = holder_for(caller, request.customer_id)
    wanted = request.model_copy(
        update={"customer_id": customer_id, "loctician_id": loctician_for(caller, request.loctician_id)}
    )
    arguments = wanted.model_dump() | visit.claims | idempotency("holds", key, wanted)
    row = await call_with_alternatives(database, caller, queries.HOLD, arguments, wanted, customer_id, language)
    log.info("Hold placed", hold_id=str(row["id"]), signed_in=visit.principal is not None)
    return serializers.hold(row, language)


async def prolong(database: Database, visit: Visit, hold_id: UUID, language: str) -> Answer:
    """Raises NotFound, also for a hold that has ended, or AlreadyProlonged."""
    row = await call(database, visit.caller, queries.PROLONG, {"id": hold_id} | visit.claims)
    return serializers.hold(row, language)


async def release(database: Database, principal: Principal, hold_id: UUID, browser: Row | None = None) -> None:
    """Makes the time free again. An offer of the waitlist is declined by this. Raises NotFound.

    `browser`: whose holds the caller may end beside the own, see Visit.claims.
    """
    await offers.call_and_offer(database, principal, queries.RELEASE, {"id": hold_id, **(browser or {})})


async def end_expired(session: AsyncSession) -> bool:
    """Ends the hold or offer that expired first, and offers its time to the waitlist. Returns whether there was one."""
    hold_id = await queries.lock_expired(session)
    if hold_id is not None:
        await offers.offer_freed(session, await queries.end(session, hold_id))
    return hold_id is not None


async def end_customer_holds(session: AsyncSession, customer_id: UUID, *, bookings: bool = False) -> int:
    """Ends the customer's holds and offers, and offers their times to the waitlist. Returns how many.

    Nobody offers, holds or books the customer a time until the transaction ends. `bookings`: it will cancel the coming
    bookings too, so it locks their locticians as well.
    """
    hold_ids = await queries.lock_of_customer(session, customer_id, bookings=bookings)
    for hold_id in hold_ids:
        await offers.offer_freed(session, await queries.end(session, hold_id))
    return len(hold_ids)
