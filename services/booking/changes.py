"""What becomes of a booking: moved, changed, cancelled, confirmed, completed, or missed."""

from typing import Any, Literal
from uuid import UUID

from services.booking import reading, slots
from services.booking.answers import bookings as answers
from services.booking.bookings import sitting_of, stored
from services.booking.commands import expected, run
from services.booking.errors import ABOUT_THE_TIME
from services.booking.queries import bookings as queries
from services.booking.schemas.bookings import ChangeRequest
from shared.database.session import Database
from shared.errors import PreconditionRequired
from shared.identity.principals import Principal

Outcome = Literal["confirmed", "completed", "no_show"]


async def change(
    database: Database, who: Principal, booking_id: UUID, asked: ChangeRequest, if_match: str | None, language: str
) -> dict[str, Any]:
    """Keeps id and history. A refusal of the time names the nearest free ones; the booking then stays as it was."""
    if if_match is None:
        raise PreconditionRequired
    request = asked.model_dump(exclude_unset=True) | {"id": booking_id, "versions": expected(if_match)}
    try:
        changed = await run(database, who, queries.CHANGE, request)
    except ABOUT_THE_TIME as refusal:
        row = await stored(database, who, booking_id)
        customer_id = row["customer_id"] or who.id
        refusal.extensions["alternatives"] = await slots.nearest(
            database, who, sitting_of(row, request), customer_id, language
        )
        raise
    if request["versions"] is None or changed["version"] in request["versions"]:  # then it may have changed nothing
        await reading.note_rows(database, who, "booking", [changed])
    return answers.booking(changed, who, language)


async def cancel(
    database: Database, who: Principal, booking_id: UUID, reason: str | None, if_match: str | None, language: str
) -> dict[str, Any]:
    """`reason` is for those who see the booking; events carry only who cancelled."""
    request = {"id": booking_id, "versions": expected(if_match), "reason": reason}
    cancelled = await run(database, who, queries.CANCEL, request)
    window = {name: value for name, value in cancelled.items() if name.startswith("cancellation_")}
    return answers.booking(cancelled, who, language) | window


async def settle(
    database: Database, who: Principal, booking_id: UUID, outcome: Outcome, if_match: str | None, language: str
) -> dict[str, Any]:
    request = {"id": booking_id, "versions": expected(if_match), "outcome": outcome}
    return answers.booking(await run(database, who, queries.SETTLE, request), who, language)
