"""`loctician jobs`: the scheduled jobs, when each last ran, and with which result."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Row, text

from cli.contracts.generator import service
from cli.services import SCHEMAS
from domain.settings.production import OperatorSettings
from gateway.jobs import JOBS as GATEWAY_JOBS
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import Job
from shared.settings import Settings, load

LAST_RUNS = text("SELECT * FROM job_runs ORDER BY job")
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
out = Console()


@dataclass(frozen=True)
class Report:
    service: str
    job: str
    every_seconds: int
    result: str  # done, failed or never
    error: str | None
    runs: int
    failures: int
    milliseconds: int | None
    started_at: datetime | None
    next_at: datetime | None  # None: as soon as a worker runs


def show(
    only: Annotated[str | None, typer.Option("--service", help="Only this service, or the gateway")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as a JSON array, times in UTC")] = False,
) -> None:
    """The scheduled jobs: last run, how long it took, its result, how often it failed, and when the next is due."""
    if only not in (None, *SCHEMAS):
        raise typer.BadParameter(f"the services are {', '.join(SCHEMAS)}", param_hint="--service")
    reports = asyncio.run(_read_all([only] if only else SCHEMAS))
    if as_json:
        typer.echo(json.dumps([asdict(report) for report in reports], default=_iso, indent=2))
        return
    now = datetime.now(UTC)
    table = Table(
        "service",
        "job",
        "last run",
        "took",
        "result",
        "failed",
        "next",
        box=None,
        pad_edge=False,
        collapse_padding=True,
    )
    for report in reports:
        table.add_row(report.service, report.job, *_cells(report, now))
    out.print(table)
    for report in reports:
        if report.error:
            out.print(f"{report.service} {report.job} failed: {report.error}", markup=False, highlight=False)


async def _read_all(names: Sequence[str]) -> list[Report]:
    settings = load(OperatorSettings)
    return [report for name in names for report in _reports(name, await _runs(settings, name))]


def _reports(name: str, runs: Mapping[str, Row[Any]]) -> list[Report]:
    jobs: Sequence[Job] = GATEWAY_JOBS if name == "gateway" else service(name).all_jobs
    return [_report(name, job, runs.get(job.name)) for job in jobs]


def _report(name: str, job: Job, row: Row[Any] | None) -> Report:
    every = round(job.every.total_seconds())
    if row is None:
        return Report(name, job.name, every, "never", None, 0, 0, None, None, None)
    next_at = row.done_at + timedelta(seconds=row.every_seconds) if row.done_at else None
    return Report(
        name, job.name, every, row.result, row.error, row.runs, row.failures, row.milliseconds, row.started_at, next_at
    )


def _cells(report: Report, now: datetime) -> tuple[str, ...]:
    started = f"{_period(now - report.started_at)} ago" if report.started_at else ""
    took = f"{report.milliseconds} ms" if report.milliseconds is not None else ""
    due = report.next_at is None or report.next_at <= now
    next_run = "now" if due or report.next_at is None else f"in {_period(report.next_at - now)}"
    return started, took, report.result, f"{report.failures}/{report.runs}", next_run


def _period(period: timedelta) -> str:
    """In the largest unit that fits."""
    seconds = max(round(period.total_seconds()), 0)
    size, unit = next((entry for entry in UNITS if seconds >= entry[0]), UNITS[-1])
    return f"{seconds // size} {unit}"


def _iso(value: object) -> str:
    assert isinstance(value, datetime)  # noqa: S101 - nothing else in a report is not JSON
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def _runs(settings: Settings, name: str) -> dict[str, Row[Any]]:
    database = Database.from_settings(settings, name)
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return {row.job: row for row in await session.execute(LAST_RUNS)}
    finally:
        await database.close()
