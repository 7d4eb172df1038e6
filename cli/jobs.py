"""`loctician jobs`: what runs by schedule, when it last did, and how that ended."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Row

from cli.contracts.generator import service
from domain.clock import COPENHAGEN
from gateway.jobs import JOBS as GATEWAYS
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import Job, last_runs, next_run
from shared.settings import Settings, load

SCHEMAS = ("auth", "booking", "calendar", "notifications", "gdpr", "gateway")
out = Console()


def show(
    only: Annotated[str | None, typer.Option("--service", help="One service's alone, or the gateway's")] = None,
) -> None:
    """The scheduled jobs: last run, how long it took, how it ended, when the next is due."""
    settings = load(Settings)
    table = Table("service", "job", "every", "last run", "took", "result", "runs", "failed", "next")
    for name in [only] if only else SCHEMAS:
        ran = asyncio.run(_runs(settings, name))
        for job in _jobs(name):
            table.add_row(name, job.name, str(job.every), *_told(job, ran))
    out.print(table)


def _jobs(name: str) -> Sequence[Job]:
    return GATEWAYS if name == "gateway" else service(name).all_jobs


def _told(job: Job, ran: Mapping[str, Row[Any]]) -> tuple[str, ...]:
    row = ran.get(job.name)
    if row is None:
        return ("never", "", "", "0", "0", "at once")
    result = f"{row.result}: {row.error}" if row.error else row.result
    following = next_run(row)
    return (
        _local(row.started_at),
        f"{row.milliseconds} ms",
        result,
        str(row.runs),
        str(row.failures),
        _local(following) if following else "at once",
    )


def _local(instant: datetime) -> str:
    return instant.astimezone(COPENHAGEN).strftime("%Y-%m-%d %H:%M:%S")


async def _runs(settings: Settings, name: str) -> dict[str, Row[Any]]:
    database = Database.from_settings(settings, name)
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return {row.job: row for row in await last_runs(session)}
    finally:
        await database.close()
