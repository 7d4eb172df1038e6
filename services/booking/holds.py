"""Holds: a time kept for a few minutes while somebody fills in the form."""

from typing import Any
from uuid import UUID

from domain.roles import Role
from services.booking.answers import holds as answers
from services.booking.bookings import chair_of
from services.booking.commands import keyed, run, run_or_offer
from services.booking.errors.bookings import NotForOthers
from services.booking.queries import holds as queries
from services.booking.schemas.holds import HoldRequest
from shared.database.session import Database
from shared.identity.principals import Principal


def holder_of(who: Principal, named: UUID | None) -> UUID:
    """Staff may hold a time before they know for whom. Raises NotForOthers."""
    if who.role == Role.CUSTOMER and named not in {None, who.id}:
        raise NotForOthers
    return named or who.id


async def hold(
    database: Database, who: Principal, asked: HoldRequest, key: str | None, language: str, *, require_verified: bool
) -> dict[str, Any]:
    """Ends an earlier hold of the same customer. A conflict names the nearest free slots."""
    customer_id = holder_of(who, asked.customer_id)
    wanted = asked.model_copy(update={"customer_id": customer_id, "loctician_id": chair_of(who, asked.loctician_id)})
    request = wanted.model_dump() | {"require_verified": require_verified, **keyed("holds", key, wanted)}
    held = await run_or_offer(database, who, queries.HOLD, request, wanted, customer_id, language)
    return answers.hold(held, language)


async def release(database: Database, who: Principal, hold_id: UUID) -> None:
    """The time is free again; for an offer of the waitlist this turns it down."""
    await run(database, who, queries.RELEASE, {"id": hold_id})
