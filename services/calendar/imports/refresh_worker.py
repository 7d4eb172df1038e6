"""Keeping imported addresses current: claimed in one transaction, fetched in none, settled in another."""

import asyncio
import random
from datetime import timedelta
from typing import Any

from prometheus_client import Counter
from sqlalchemy import func

from services.calendar.errors import AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar
from services.calendar.imports import ics_sandbox, queries
from services.calendar.imports.address_check import Guard
from services.calendar.imports.fetching import Fetched, fetch
from services.calendar.local_time import today
from services.calendar.rows import Row
from services.calendar.settings import CalendarSettings
from services.calendar.windows.queries import lock
from services.calendar.windows.service import HORIZON, publish
from shared.database.session import Database, transaction
from shared.errors import ProblemError, Unavailable
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.log import logger

POLL = 10.0  # seconds
LEASE = timedelta(minutes=5)
BATCH = 4  # fetched at the same time; each within the lease
EVERY = 3_600.0
FIRST_RETRY, LONGEST_RETRY = 300.0, 43_200.0
MOST_FAILURES = 30  # in a row, about two weeks: then only adding it anew helps
SPREAD = 0.1

log = logger(__name__)
REFRESHES = Counter("calendar_import_refreshes_total", "Addresses fetched, by outcome", ["outcome"])


async def run(runtime: Runtime) -> None:
    settings = runtime.settings
    assert isinstance(settings, CalendarSettings)  # noqa: S101 - narrows what the service itself named
    while True:
        if not await refresh_due(runtime.database, settings.guard):
            await asyncio.sleep(_spread(POLL))


async def refresh_due(database: Database, guard: Guard) -> int:
    """One batch. Returns how many addresses were tried."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        due = await queries.claim_due(session, BATCH, LEASE)
    async with asyncio.TaskGroup() as group:
        for row in due:
            group.create_task(_refresh(database, row, guard))
    return len(due)


async def _refresh(database: Database, row: Row, guard: Guard) -> None:
    try:
        values = await _newest(row, guard)
    except (AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar) as error:
        values = _failed(row, error)
    except Unavailable:  # we are busy, which is not the address's fault
        values = {"due_at": queries.later(_spread(FIRST_RETRY))}
    REFRESHES.labels(values.get("problem") or values.get("status", "put_off")).inc()
    async with transaction(database, SERVICE_CLAIMS) as session:
        await lock(session, row["loctician_id"])
        if await queries.settle(session, row["id"], **values) and "busy" in values:
            await publish(session, row["loctician_id"], today())


async def _newest(row: Row, guard: Guard) -> dict[str, Any]:
    """What to write down after a fetch that went well."""
    fetched = await _fetch(row, guard)
    current = {"status": "current", "problem": None, "failures": 0, **_checked(EVERY)}
    if fetched.content is None:
        return current
    until = ics_sandbox.covered_until()
    busy = await ics_sandbox.read(fetched.content, until)
    validators = {"etag": fetched.etag, "last_modified": fetched.last_modified}
    return current | validators | queries.stored(busy, until)


async def _fetch(row: Row, guard: Guard) -> Fetched:
    """Anew, though it may not have changed, when what was read of it no longer covers the horizon."""
    covered = row["covers_until"] is not None and row["covers_until"] >= today() + HORIZON
    validators = (row["etag"], row["last_modified"]) if covered else (None, None)
    return await fetch(row["url"], guard, *validators)


def _failed(row: Row, error: ProblemError) -> dict[str, Any]:
    """The busy times last read go on to hold."""
    failures = row["failures"] + 1
    stopped = failures >= MOST_FAILURES
    wait = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 16))
    log.warning("import_not_refreshed", import_id=str(row["id"]), problem=error.code, failures=failures)
    return {
        "status": "stopped" if stopped else "failing",
        "problem": error.code,
        "failures": failures,
        **_checked(None if stopped else wait),
    }


def _checked(wait: float | None) -> dict[str, Any]:
    return {"checked_at": func.now(), "due_at": None if wait is None else queries.later(_spread(wait))}


def _spread(seconds: float) -> float:
    return seconds * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - spreads load
