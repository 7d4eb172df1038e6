"""Scheduled jobs: each runs at its interval, on one replica at a time, in one transaction.

The table `job_runs` holds when a job last ran. So a job that was missed while the service was down runs at the start,
and one that another replica has just run does not run again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.backoff import jitter
from shared.database.errors import DATABASE_ERRORS
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.log import frames

log = structlog.get_logger(__name__)

LONGEST_START = 5.0  # seconds
RETRY_AFTER = 30.0  # seconds
SPREAD = 0.1
AWAY: tuple[type[Exception], ...] = (SQLAlchemyError, *DATABASE_ERRORS)

TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")
WAIT = text("""
    SELECT CAST(extract(epoch FROM done_at) AS float8) AS done_at,
           CAST(extract(epoch FROM done_at - clock_timestamp()) AS float8) + :every AS wait
    FROM job_runs WHERE job = :job AND done_at IS NOT NULL
""")
RECORD = text("""
    INSERT INTO job_runs (job, every_seconds, started_at, milliseconds, result, error, done_at, runs, failures)
    VALUES (:job, :every, clock_timestamp() - make_interval(secs => :seconds), :milliseconds, :result, :error,
            CASE WHEN :result = 'done' THEN clock_timestamp() END, 1, CASE WHEN :result = 'failed' THEN 1 ELSE 0 END)
    ON CONFLICT (job) DO UPDATE SET
        every_seconds = excluded.every_seconds, started_at = excluded.started_at, milliseconds = excluded.milliseconds,
        result = excluded.result, error = excluded.error, done_at = coalesce(excluded.done_at, job_runs.done_at),
        runs = job_runs.runs + 1, failures = job_runs.failures + excluded.failures
""")

RUNS = Counter(
    "job_runs_total", "Runs by outcome: done, more, elsewhere, early, failed", ["service", "job_name", "outcome"]
)
SECONDS = Histogram("job_seconds", "Seconds that a run took", ["service", "job_name"])
LAST_DONE = Gauge(
    "job_last_done_timestamp_seconds", "When the job last succeeded, on any replica", ["service", "job_name"]
)
LAST_RESULT = Gauge(
    "job_last_result", "Result of the last run on this replica: 1 done, 0 failed", ["service", "job_name"]
)
INTERVAL = Gauge("job_interval_seconds", "Seconds between two runs", ["service", "job_name"])


@dataclass(frozen=True)
class Job:
    name: str
    every: timedelta
    run: Callable[[AsyncSession], Awaitable[bool | None]]  # True: there is more to do, so it runs again at once


async def run_jobs(database: Database, jobs: Sequence[Job]) -> None:
    """Runs for ever. Jobs that are due start within 5 s, then each runs at its interval, with a tenth of jitter."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_repeat(database, job), name=job.name)


async def _repeat(database: Database, job: Job) -> None:
    interval = job.every.total_seconds()
    INTERVAL.labels(database.schema, job.name).set(interval)
    start = jitter(min(LONGEST_START, interval) / 2, spread=1)
    wait = max(start, await _seconds_until_due(database, job))
    outcome = ""
    while True:
        await asyncio.sleep(wait)
        outcome = await run_once(database, job, when_due=outcome != "more")
        RUNS.labels(database.schema, job.name, outcome).inc()
        pause = {"done": interval, "more": 0.0}.get(outcome, min(interval, RETRY_AFTER))
        if outcome == "early":
            pause = max(pause, await _seconds_until_due(database, job))
        wait = jitter(pause, SPREAD)


async def run_once(database: Database, job: Job, *, when_due: bool = False) -> str:
    """Returns "done", or "more" if it has more to do; "elsewhere" if another replica is running it, "early" if one has
    just run it, or "failed"."""
    started = time.monotonic()
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            key = f"job {database.schema} {job.name}"
            if not (await session.execute(TRY_LOCK, {"key": key})).scalar_one():
                return "elsewhere"
            if when_due and not await _due(session, job):
                return "early"
            more = await job.run(session)
            await _record(session, job, time.monotonic() - started)
    except Exception as exc:  # noqa: BLE001 - a failed run must not end the schedule
        log.error("job_failed", job=job.name, error=type(exc).__name__, trace=frames(exc))  # noqa: TRY400
        await _record_failure(database, job, time.monotonic() - started, type(exc).__name__)
        return "failed"
    SECONDS.labels(database.schema, job.name).observe(time.monotonic() - started)
    LAST_DONE.labels(database.schema, job.name).set_to_current_time()
    LAST_RESULT.labels(database.schema, job.name).set(1)
    return "more" if more else "done"


async def _due(session: AsyncSession, job: Job) -> bool:
    interval = job.every.total_seconds()
    row = (await session.execute(WAIT, {"job": job.name, "every": interval})).one_or_none()
    return row is None or row.wait <= interval * SPREAD


async def _seconds_until_due(database: Database, job: Job) -> float:
    """0 if the job never ran, or if the database does not answer."""
    try:
        rows = await database.call(WAIT, {"job": job.name, "every": job.every.total_seconds()})
    except AWAY:
        return 0.0
    for row in rows:
        LAST_DONE.labels(database.schema, job.name).set(row.done_at)
    return max((float(row.wait) for row in rows), default=0.0)


async def _record(session: AsyncSession, job: Job, seconds: float, error: str | None = None) -> None:
    values = {"job": job.name, "every": round(job.every.total_seconds()), "seconds": seconds, "error": error}
    result = "failed" if error else "done"
    await session.execute(RECORD, values | {"milliseconds": round(seconds * 1000), "result": result})


async def _record_failure(database: Database, job: Job, seconds: float, error: str) -> None:
    LAST_RESULT.labels(database.schema, job.name).set(0)
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await _record(session, job, seconds, error)
    except AWAY as exc:
        log.warning("job_failure_not_kept", job=job.name, error=type(exc).__name__)
