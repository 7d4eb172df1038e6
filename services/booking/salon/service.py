"""The salon's own rules for its bookings."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.events import SalonChanged
from services.booking.salon import queries
from services.booking.salon.schemas import RulesInput
from services.booking.sql_calls import expected
from shared.database.session import Database
from shared.errors import PreconditionRequired, StaleVersion
from shared.messaging.events import emit

CHOSEN = tuple(RulesInput.model_fields)


async def rules(database: Database) -> dict[str, Any]:
    found = await queries.rules(database)
    return {name: found[name] for name in (*CHOSEN, "version")}


async def choose(session: AsyncSession, asked: RulesInput, if_match: str | None) -> dict[str, Any]:
    """Holds for what is booked from now on. Raises PreconditionRequired or StaleVersion."""
    if if_match is None:
        raise PreconditionRequired
    version = (await queries.locked_rules(session))["version"]
    admitted = expected(if_match)
    if admitted is not None and version not in admitted:
        raise StaleVersion
    chosen = asked.model_dump() | {"version": version + 1}
    await queries.choose(session, chosen)
    emit(session, SalonChanged(subject_name="salon", **chosen))
    return chosen
