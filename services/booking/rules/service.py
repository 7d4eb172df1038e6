"""The salon's rules for its bookings."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.events import SalonChanged
from services.booking.rules import queries
from services.booking.rules.schemas import RulesInput
from services.booking.serializers import Answer
from shared.database.session import Database
from shared.http.preconditions import require_match
from shared.messaging.events import emit

RULES = tuple(RulesInput.model_fields)


async def get_rules(database: Database) -> Answer:
    row = await queries.rules(database)
    return {name: row[name] for name in (*RULES, "version")}


async def set_rules(session: AsyncSession, request: RulesInput, if_match: str | None) -> Answer:
    """The rules apply to what is booked from now on. Raises PreconditionRequired or StaleVersion."""
    stored = await queries.lock_rules(session)
    version = stored["version"]
    require_match(if_match, version)
    unchanged = {name: stored[name] for name in RULES}
    rules = unchanged | request.model_dump(exclude_unset=True) | {"version": version + 1}
    await queries.set_rules(session, rules)
    await queries.note_freed_time(session, stored)
    emit(session, SalonChanged(subject_name="salon", **rules))
    return rules
