"""Worker that fetches imported addresses again. No transaction is open during a fetch."""

import asyncio
from datetime import timedelta
from typing import Any

from prometheus_client import Counter
from sqlalchemy import func

from services.calendar.errors import AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar
from services.calendar.imports import ics_sandbox, queries
from services.calendar.imports.address_check import AddressPolicy
from services.calendar.imports.fetching import Fetched, fetch
from services.calendar.local_time import today
from services.calendar.rows import Row
from services.calendar.settings import CalendarSettings
from services.calendar.windows.queries import lock
from services.calendar.windows.service import HORIZON, publish
from shared.backoff import Backoff, jitter
from shared.database.session import Database, transaction
from shared.errors import ProblemError, Unavailable
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.log import logger

POLL_SECONDS = 10.0
LEASE = timedelta(minutes=5)
BATCH = 4  # addresses fetched at the same time, each within the lease
REFRESH_SECONDS = 3_600.0
MAX_FAILURES = 30  # in a row, after about two weeks; then the import is stopped
SPREAD = 0.1
RETRY = Backoff(first=300.0, longest=43_200.0, spread=SPREAD)

log = logger(__name__)
REFRESHES = Counter("calendar_import_refreshes_total", "Fetches of imported calendars, by outcome", ["outcome"])


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    assert isinstance(settings, CalendarSettings)  # noqa: S101 - SERVICE names this class
    while True:
        if not await refresh_due(runtime.database, settings.address_policy):
            await asyncio.sleep(jitter(POLL_SECONDS, SPREAD))


async def refresh_due(database: Database, policy: AddressPolicy) -> int:
    """Fetches one batch of addresses that are due. Returns their number."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        due = await queries.lease_due(session, BATCH, LEASE)
    async with asyncio.TaskGroup() as group:
        for row in due:
            group.create_task(_refresh(database, row, policy))
    return len(due)


async def _refresh(database: Database, row: Row, policy: AddressPolicy) -> None:
    try:
        values = await _fetch_values(row, policy)
    except (AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar) as error:
        values = _failure_values(row, error)
    except Unavailable:  # the parser is busy: not a failure of the address
        values = {"due_at": queries.from_now(RETRY.pause(0))}
    REFRESHES.labels(values.get("problem") or values.get("status", "put_off")).inc()
    async with transaction(database, SERVICE_CLAIMS) as session:
        await lock(session, row["loctician_id"])
        if await queries.store_result(session, row["id"], **values) and "busy" in values:
            await publish(session, row["loctician_id"], today())


async def _fetch_values(row: Row, policy: AddressPolicy) -> dict[str, Any]:
    """The column values after a fetch that succeeded."""
    fetched = await _fetch(row, policy)
    current = {"status": "current", "problem": None, "failures": 0, **_next_check(jitter(REFRESH_SECONDS, SPREAD))}
    if fetched.content is None:
        return current
    until = ics_sandbox.read_until()
    busy = await ics_sandbox.read(fetched.content, until)
    validators = {"etag": fetched.etag, "last_modified": fetched.last_modified}
    return current | validators | queries.busy_values(busy, until)


async def _fetch(row: Row, policy: AddressPolicy) -> Fetched:
    """Sends no validators once the busy times no longer cover the horizon: an unchanged calendar must be read again."""
    covered = row["covers_until"] is not None and row["covers_until"] >= today() + HORIZON
    validators = (row["etag"], row["last_modified"]) if covered else (None, None)
    return await fetch(row["url"], policy, *validators)


def _failure_values(row: Row, error: ProblemError) -> dict[str, Any]:
    """The column values after a failure. The busy times of the last success stay."""
    failures = row["failures"] + 1
    stopped = failures >= MAX_FAILURES
    log.warning("import_not_refreshed", import_id=str(row["id"]), problem=error.code, failures=failures)
    return {
        "status": "stopped" if stopped else "failing",
        "problem": error.code,
        "failures": failures,
        **_next_check(None if stopped else RETRY.pause(failures - 1)),
    }


def _next_check(pause: float | None) -> dict[str, Any]:
    return {"checked_at": func.now(), "due_at": None if pause is None else queries.from_now(pause)}
