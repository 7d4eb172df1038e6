"""The salon's record, which its mails, pages, calendar entries and receipts show."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.salon import queries
from services.booking.salon.events import SalonUpdated
from services.booking.salon.schemas import SalonInput
from services.booking.serializers import Answer
from shared.database.session import Database
from shared.http.preconditions import require_match
from shared.messaging.events import emit

FIELDS = (*SalonInput.model_fields, "version")
EMPTY: dict[str, Any] = SalonInput.model_construct(name="").model_dump(mode="json") | {"version": 0}
"""The record until the salon writes it."""


async def get_record(database: Database) -> Answer:
    row = await queries.record(database) or EMPTY
    return {name: row[name] for name in FIELDS} | await queries.pictures(database)


async def replace_record(session: AsyncSession, request: SalonInput, if_match: str | None) -> Answer:
    """Raises PreconditionRequired or StaleVersion."""
    version = (await queries.lock_record(session) or EMPTY)["version"]
    require_match(if_match, version)
    return await write(session, request, version + 1) | await queries.pictures_in(session)


async def write(session: AsyncSession, request: SalonInput, version: int) -> Answer:
    """Stores the record as this version and publishes it."""
    record = request.model_dump(mode="json") | {"version": version}
    await queries.put_record(session, record)
    emit(session, SalonUpdated(subject_name="salon", **record))
    return record
