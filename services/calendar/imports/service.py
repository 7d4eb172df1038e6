"""Adds, lists, renames and removes imported calendars. Their busy times close windows; titles are never stored."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events
from services.calendar.errors import LimitReached
from services.calendar.imports import ics_sandbox, queries, serializers
from services.calendar.imports.address_check import AddressPolicy, parse_url
from services.calendar.imports.notices import emit_notices
from services.calendar.imports.own_appointments import busy_without_own
from services.calendar.local_time import today
from services.calendar.rows import Row, Rows
from services.calendar.windows.queries import lock
from services.calendar.windows.service import publish
from shared.database.session import Database, transaction
from shared.errors import LANGUAGES, NotFound
from shared.http.idempotency import fingerprint, once, stored_answer
from shared.identity.principals import Principal, claims_of
from shared.messaging.events import emit, new_id

Values = dict[str, Any]


class Request(NamedTuple):
    """Who adds a calendar, to whose hours and under which name."""

    principal: Principal
    loctician_id: UUID
    name: str | None
    key: str | None

    def fingerprint(self, content: str | bytes) -> bytes:
        named = [] if self.name is None else [self.name]
        return fingerprint("imports", str(self.loctician_id), content, *named)


async def add_file(database: Database, request: Request, content: bytes) -> Values:
    """Reads an uploaded file. Raises NotACalendar, CalendarTooLarge or LimitReached."""
    earlier = await _earlier_answer(database, request, content)
    if earlier:
        return earlier
    until = ics_sandbox.read_until()
    reading = await ics_sandbox.read(content, until)  # in no transaction
    busy = await busy_without_own(database, request.loctician_id, reading)
    current = {"status": "current", "checked_at": func.now(), **queries.busy_values(busy, until, reading.counts)}
    return await _add(database, request, content, current)


async def add_address(database: Database, request: Request, url: str, policy: AddressPolicy) -> Values:
    """Checks the address, which the worker fetches within seconds. Raises AddressRefused or LimitReached."""
    earlier = await _earlier_answer(database, request, url)
    if earlier:
        return earlier
    address = parse_url(url)
    await policy.resolve_allowed(address)  # in no transaction
    waiting = {"url": str(address), "status": "waiting", "due_at": func.now()}
    return await _add(database, request, url, waiting)


async def _earlier_answer(database: Database, request: Request, content: str | bytes) -> Values | None:
    async with transaction(database, claims_of(request.principal)) as session:
        return await stored_answer(session, request.principal.id, request.key, request.fingerprint(content))


async def _add(database: Database, request: Request, content: str | bytes, values: Values) -> Values:
    async with transaction(database, claims_of(request.principal)) as session:

        async def add() -> Values:
            return serializers.imported_calendar(await _store(session, request, values), LANGUAGES[0])

        return await once(session, request.principal.id, request.key, request.fingerprint(content), add)


async def _store(session: AsyncSession, request: Request, values: Values) -> Row:
    loctician_id = request.loctician_id
    await lock(session, loctician_id)
    if len(await queries.imports_of(session, loctician_id)) >= queries.MAX_IMPORTS:
        raise LimitReached(limit=queries.MAX_IMPORTS)
    import_id = new_id()
    added = {"id": import_id, "loctician_id": loctician_id, "name": request.name, **values}
    row = await queries.add(session, added)
    emit(session, events.ImportAdded(version=1, import_id=import_id, loctician_id=loctician_id))
    await emit_notices(session, None, row)
    await publish(session, loctician_id, today())
    return row


async def list_imports(session: AsyncSession, loctician_id: UUID) -> Rows:
    return await queries.imports_of(session, loctician_id)


async def rename_import(session: AsyncSession, loctician_id: UUID, import_id: UUID, name: str | None) -> Row:
    """Raises NotFound."""
    row = await queries.rename(session, loctician_id, import_id, name)
    if row is None:
        raise NotFound
    return row


async def remove_import(session: AsyncSession, loctician_id: UUID, import_id: UUID) -> None:
    """Raises NotFound."""
    await lock(session, loctician_id)
    row = await queries.remove(session, loctician_id, import_id)
    if row is None:
        raise NotFound
    emit(session, events.ImportRemoved(version=row["version"] + 1, import_id=import_id, loctician_id=loctician_id))
    await publish(session, loctician_id, today())
