"""Adds, lists and removes imported calendars. Their busy times close windows; titles are never stored."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events
from services.calendar.errors import LimitReached
from services.calendar.imports import ics_sandbox, queries, serializers
from services.calendar.imports.address_check import AddressPolicy, parse_url
from services.calendar.intervals import Interval
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
    database: Database, principal: Principal, loctician_id: UUID, content: bytes, key: str | None
) -> dict[str, Any]:
    """Reads an uploaded file. Raises NotACalendar, CalendarTooLarge or LimitReached."""
    request = fingerprint("imports", str(loctician_id), content)
    earlier = await _earlier_answer(database, principal, key, request)
    if earlier:
        return earlier
    until = ics_sandbox.read_until()
    busy = await ics_sandbox.read(content, until)  # in no transaction
    return await _add(database, principal, loctician_id, key, request, _current(busy, until))


async def add_address(
    database: Database, principal: Principal, loctician_id: UUID, url: str, policy: AddressPolicy, key: str | None
) -> dict[str, Any]:
    """Checks the address, which the worker fetches within seconds. Raises AddressRefused or LimitReached."""
    request = fingerprint("imports", str(loctician_id), url)
    earlier = await _earlier_answer(database, principal, key, request)
    if earlier:
        return earlier
    address = parse_url(url)
    await policy.resolve_allowed(address)  # in no transaction
    waiting = {"url": str(address), "status": "waiting", "due_at": func.now()}
    return await _add(database, principal, loctician_id, key, request, waiting)


async def _earlier_answer(
    database: Database, principal: Principal, key: str | None, request: bytes
) -> dict[str, Any] | None:
    async with transaction(database, claims_of(principal)) as session:
        return await stored_answer(session, principal.id, key, request)


def _current(busy: list[Interval], until: date) -> Values:
    return {"status": "current", "checked_at": func.now(), **queries.busy_values(busy, until)}


async def _add(
    database: Database, principal: Principal, loctician_id: UUID, key: str | None, request: bytes, values: Values
) -> dict[str, Any]:
    async with transaction(database, claims_of(principal)) as session:
        return await once(session, principal.id, key, request, lambda: _store(session, loctician_id, values))


async def _store(session: AsyncSession, loctician_id: UUID, values: Values) -> dict[str, Any]:
    await lock(session, loctician_id)
    if len(await queries.imports_of(session, loctician_id)) >= queries.MAX_IMPORTS:
        raise LimitReached(limit=queries.MAX_IMPORTS)
    import_id = new_id()
    row = await queries.add(session, {"id": import_id, "loctician_id": loctician_id, **values})
    emit(session, events.ImportAdded(version=1, import_id=import_id, loctician_id=loctician_id))
    await publish(session, loctician_id, today())
    return serializers.imported_calendar(row)


async def list_imports(session: AsyncSession, loctician_id: UUID) -> Rows:
    return await queries.imports_of(session, loctician_id)


async def remove_import(session: AsyncSession, loctician_id: UUID, import_id: UUID) -> None:
    """Raises NotFound."""
    await lock(session, loctician_id)
    if await queries.remove(session, loctician_id, import_id) is None:
        raise NotFound
    emit(session, events.ImportRemoved(version=2, import_id=import_id, loctician_id=loctician_id))
    await publish(session, loctician_id, today())
