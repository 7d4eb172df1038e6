"""Scheduled work: each job at its interval, on one replica at a time, in one transaction."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import broker
from shared.auth import SERVICE_CLAIMS
from shared.db import Database, transaction

log = structlog.get_logger(__name__)

LONGEST_START = 5.0  # seconds
RETRY_AFTER = 30.0
JITTER = 0.1
TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")

RUNS = Counter("job_runs_total", "Runs by outcome: done, elsewhere, failed", ["service", "job", "outcome"])
SECONDS = Histogram("job_seconds", "How long a run took", ["service", "job"])
LAST_DONE = Gauge("job_last_done_timestamp_seconds", "When the job last ran to its end here", ["service", "job"])


@dataclass(frozen=True)
class Job:
    name: str
    every: timedelta
    run: Callable[[AsyncSession], Awaitable[None]]


async def run_jobs(database: Database, jobs: Sequence[Job]) -> None:
    """For ever. The first runs come within 5 s of the start, later ones at the interval give or take a tenth."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_repeat(database, job), name=job.name)


async def _repeat(database: Database, job: Job) -> None:
    interval = job.every.total_seconds()
    wait = min(LONGEST_START, interval) * random.random()  # noqa: S311 - spreads load
    while True:
        await asyncio.sleep(wait)
        outcome = await run_once(database, job)
        RUNS.labels(database.schema, job.name, outcome).inc()
        pause = min(interval, RETRY_AFTER) if outcome == "failed" else interval
        wait = pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load


async def run_once(database: Database, job: Job) -> str:
    """Returns "done", "elsewhere" when another replica is at it, or "failed"."""
    started = time.monotonic()
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            key = f"job {database.schema} {job.name}"
            if not (await session.execute(TRY_LOCK, {"key": key})).scalar_one():
                return "elsewhere"
            await job.run(session)
    except Exception as exc:  # noqa: BLE001 - a failed run must not end the schedule
        log.error("job_failed", job=job.name, error=type(exc).__name__, trace=broker.frames(exc))  # noqa: TRY400
        return "failed"
    SECONDS.labels(database.schema, job.name).observe(time.monotonic() - started)
    LAST_DONE.labels(database.schema, job.name).set_to_current_time()
    return "done"
