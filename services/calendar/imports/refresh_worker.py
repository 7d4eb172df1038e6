"""Worker that fetches imported addresses again. No transaction is open during a fetch."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import Counter
from sqlalchemy import func

from services.calendar.errors import AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar
from services.calendar.ics.problems import CUT_OFF
from services.calendar.imports import ics_sandbox, queries
from services.calendar.imports.address_check import AddressPolicy
from services.calendar.imports.fetching import DEFAULT_AGENT, Fetched, agent_of, fetch
from services.calendar.imports.notices import OUTAGE, emit_notices
from services.calendar.imports.own_appointments import busy_without_own
from services.calendar.intervals import merge
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

NO_FAILURE = {
    "problem": None,
    "http_status": None,
    "failures": 0,
    "first_failed_at": None,
    "failure_notified_at": None,
}

log = logger(__name__)
REFRESHES = Counter("calendar_import_refreshes_total", "Fetches of imported calendars, by outcome", ["outcome"])


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    assert isinstance(settings, CalendarSettings)  # noqa: S101 - SERVICE names this class
    while True:
        if not await refresh_due(runtime.database, settings.address_policy, agent_of(settings.link_base)):
            await asyncio.sleep(jitter(POLL_SECONDS, SPREAD))


async def refresh_due(database: Database, policy: AddressPolicy, agent: str = DEFAULT_AGENT) -> int:
    """Fetches one batch of addresses that are due. Returns their number."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        due = await queries.lease_due(session, BATCH, LEASE)
    async with asyncio.TaskGroup() as group:
        for row in due:
            group.create_task(_refresh(database, row, policy, agent))
    return len(due)


async def _refresh(database: Database, row: Row, policy: AddressPolicy, agent: str) -> None:
    try:
        values = await _fetch_values(database, row, policy, agent)
    except (AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar) as error:
        values = _failure_values(row, error)
    except Unavailable:  # the parser is busy: not a failure of the address
        values = {"due_at": queries.from_now(RETRY.pause(0))}
    REFRESHES.labels(values.get("problem") or values.get("status", "put_off")).inc()
    async with transaction(database, SERVICE_CLAIMS) as session:
        await lock(session, row["loctician_id"])
        stored = await queries.store_result(session, row["id"], **values)
        if stored is None:
            return
        await emit_notices(session, row, stored)
        if "busy" in values:
            await publish(session, row["loctician_id"], today())


async def _fetch_values(database: Database, row: Row, policy: AddressPolicy, agent: str) -> dict[str, Any]:
    """The column values after a fetch that succeeded."""
    fetched = await _fetch(row, policy, agent)
    current = {"status": "current", **NO_FAILURE, **_next_check(jitter(REFRESH_SECONDS, SPREAD))}
    if fetched.content is None:
        return current
    until = ics_sandbox.read_until()
    reading = await ics_sandbox.read(fetched.content, until)
    busy = await busy_without_own(database, row["loctician_id"], reading)
    validators = {"etag": fetched.etag, "last_modified": fetched.last_modified}
    if CUT_OFF in reading.counts:  # what is missing may be what was read before, and a fetch must not answer 304
        busy = merge([*busy, *((time.lower, time.upper) for time in row["busy"])])
        validators = {"etag": None, "last_modified": None}
    return current | validators | queries.busy_values(busy, until, reading.counts)


async def _fetch(row: Row, policy: AddressPolicy, agent: str) -> Fetched:
    """Sends no validators once the busy times no longer cover the horizon: an unchanged calendar must be read again."""
    covered = row["valid_to"] is not None and row["valid_to"] + timedelta(days=1) >= today() + HORIZON
    etag, last_modified = (row["etag"], row["last_modified"]) if covered else (None, None)
    return await fetch(row["url"], policy, etag, last_modified, agent)


def _failure_values(row: Row, error: ProblemError) -> dict[str, Any]:
    """The column values after a failure. The busy times of the last success stay."""
    failures = row["failures"] + 1
    stopped = failures >= MAX_FAILURES
    log.warning("import_not_refreshed", import_id=str(row["id"]), problem=error.code, failures=failures)
    return {
        "status": "stopped" if stopped else "failing",
        "problem": error.code,
        "http_status": error.values.get("http_status"),
        "failures": failures,
        "first_failed_at": row["first_failed_at"] or func.now(),
        **_next_check(None if stopped else _pause(row, failures)),
    }


def _pause(row: Row, failures: int) -> float:
    """Ends when the failure has lasted a day, so that its loctician is told then."""
    pause = RETRY.pause(failures - 1)
    if row["first_failed_at"] is None or row["failure_notified_at"]:
        return pause
    left = (row["first_failed_at"] + OUTAGE - datetime.now(UTC)).total_seconds()
    return min(pause, left + 1) if left > 0 else pause


def _next_check(pause: float | None) -> dict[str, Any]:
    return {"checked_at": func.now(), "due_at": None if pause is None else queries.from_now(pause)}
