"""`loctician jobs`: the scheduled jobs, when each last ran, and with which result."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Row, text

from cli.contracts.generator import service
from domain.clock import COPENHAGEN
from gateway.jobs import JOBS as GATEWAY_JOBS
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import Job
from shared.settings import Settings, load

SCHEMAS = ("auth", "booking", "calendar", "notifications", "gdpr", "gateway")
LAST_RUNS = text("SELECT * FROM job_runs ORDER BY job")
out = Console()


def show(
    only: Annotated[str | None, typer.Option("--service", help="Only this service, or the gateway")] = None,
) -> None:
    """The scheduled jobs: last run, how long it took, its result, and when the next is due."""
    settings = load(Settings)
    table = Table("service", "job", "every", "last run", "took", "result", "runs", "failed", "next")
    for name in [only] if only else SCHEMAS:
        runs = asyncio.run(_runs(settings, name))
        for job in _jobs(name):
            table.add_row(name, job.name, str(job.every), *_cells(job, runs))
    out.print(table)


def _jobs(name: str) -> Sequence[Job]:
    return GATEWAY_JOBS if name == "gateway" else service(name).all_jobs


def _cells(job: Job, runs: Mapping[str, Row[Any]]) -> tuple[str, ...]:
    row = runs.get(job.name)
    if row is None:
        return ("never", "", "", "0", "0", "at once")
    result = f"{row.result}: {row.error}" if row.error else row.result
    next_run = row.done_at + timedelta(seconds=row.every_seconds) if row.done_at else None
    return (
        _local(row.started_at),
        f"{row.milliseconds} ms",
        result,
        str(row.runs),
        str(row.failures),
        _local(next_run) if next_run else "at once",
    )


def _local(instant: datetime) -> str:
    return instant.astimezone(COPENHAGEN).strftime("%Y-%m-%d %H:%M:%S")


async def _runs(settings: Settings, name: str) -> dict[str, Row[Any]]:
    database = Database.from_settings(settings, name)
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return {row.job: row for row in await session.execute(LAST_RUNS)}
    finally:
        await database.close()
