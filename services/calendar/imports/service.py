"""Imported calendars: somebody else's busy times, kept out of the windows. Only times are kept, never a title."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events
from services.calendar.errors import LimitReached
from services.calendar.imports import ics_sandbox, queries, serializers
from services.calendar.imports.address_check import Guard, parsed
from services.calendar.intervals import Window
from services.calendar.local_time import today
from services.calendar.rows import Rows
from services.calendar.windows.queries import lock
from services.calendar.windows.service import publish
from shared.database.session import Database, transaction
from shared.errors import NotFound
from shared.http.idempotency import fingerprint, once, stored_answer
from shared.identity.principals import Principal, claims_of
from shared.messaging.events import emit, new_id

Values = dict[str, Any]


async def add_file(
    database: Database, who: Principal, loctician_id: UUID, content: bytes, key: str | None
) -> dict[str, Any]:
    """Raises NotACalendar, CalendarTooLarge or LimitReached."""
    request = fingerprint("imports", str(loctician_id), content)
    earlier = await _earlier(database, who, key, request)
    if earlier:
        return earlier
    until = ics_sandbox.covered_until()
    busy = await ics_sandbox.read(content, until)  # in no transaction
    return await _add(database, who, loctician_id, key, request, _current(busy, until))


async def add_address(
    database: Database, who: Principal, loctician_id: UUID, url: str, guard: Guard, key: str | None
) -> dict[str, Any]:
    """It is fetched soon after. Raises AddressRefused or LimitReached."""
    request = fingerprint("imports", str(loctician_id), url)
    earlier = await _earlier(database, who, key, request)
    if earlier:
        return earlier
    address = parsed(url)
    await guard.checked(address)  # in no transaction
    waiting = {"url": str(address), "status": "waiting", "due_at": func.now()}
    return await _add(database, who, loctician_id, key, request, waiting)


async def _earlier(database: Database, who: Principal, key: str | None, request: bytes) -> dict[str, Any] | None:
    async with transaction(database, claims_of(who)) as session:
        return await stored_answer(session, who.id, key, request)


def _current(busy: list[Window], until: date) -> Values:
    return {"status": "current", "checked_at": func.now(), **queries.stored(busy, until)}


async def _add(
    database: Database, who: Principal, loctician_id: UUID, key: str | None, request: bytes, values: Values
) -> dict[str, Any]:
    async with transaction(database, claims_of(who)) as session:
        return await once(session, who.id, key, request, lambda: _store(session, loctician_id, values))


async def _store(session: AsyncSession, loctician_id: UUID, values: Values) -> dict[str, Any]:
    await lock(session, loctician_id)
    if len(await queries.imports_of(session, loctician_id)) >= queries.MOST_IMPORTS:
        raise LimitReached(limit=queries.MOST_IMPORTS)
    import_id = new_id()
    added = await queries.add(session, {"id": import_id, "loctician_id": loctician_id, **values})
    emit(session, events.ImportAdded(version=1, import_id=import_id, loctician_id=loctician_id))
    await publish(session, loctician_id, today())
    return serializers.imported(added)


async def listed(session: AsyncSession, loctician_id: UUID) -> Rows:
    return await queries.imports_of(session, loctician_id)


async def remove(session: AsyncSession, loctician_id: UUID, import_id: UUID) -> None:
    await lock(session, loctician_id)
    if await queries.remove(session, loctician_id, import_id) is None:
        raise NotFound
    emit(session, events.ImportRemoved(version=2, import_id=import_id, loctician_id=loctician_id))
    await publish(session, loctician_id, today())
