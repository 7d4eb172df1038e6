"""`loctician status`: how much waits in the outboxes and queues, and whether something is stuck."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from domain.settings.production import OperatorSettings
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.broker import connection
from shared.messaging.queue_depth import Depths, depths
from shared.messaging.topology import load as topology
from shared.settings import Settings, load

out = Console()
MOST_SECONDS = 60.0
MOST_COUNTED = 100_000


@dataclass(frozen=True)
class Backlog:
    rows: int  # counted up to MOST_COUNTED
    oldest_seconds: float


Row = tuple[str, Backlog, Depths | None]


def status(
    most_seconds: Annotated[
        float,
        typer.Option("--outbox-seconds", help="How long an event may wait in an outbox before it counts as stuck"),
    ] = MOST_SECONDS,
) -> None:
    """Outboxes, queues, retries and dead letters of each service; exit 1 if something is stuck."""
    rows = asyncio.run(_read_all(load(OperatorSettings)))
    table = Table("service", "outbox", "oldest (s)", "queue", "retrying", "dead", "consumers")
    for service, waiting, queued in rows:
        queues = ["-"] * 4
        if queued is not None:
            queues = [str(queued.events), str(queued.retry), str(queued.dead), str(queued.consumers)]
        table.add_row(service, str(waiting.rows), f"{waiting.oldest_seconds:.1f}", *queues)
    out.print(table)
    stuck = [
        name for name, waiting, queued in rows if waiting.oldest_seconds > most_seconds or (queued and queued.dead)
    ]
    if stuck:
        out.print(f"Look at: {', '.join(stuck)} (docs/operations.md says how)")
        raise typer.Exit(1)


async def _read_all(settings: Settings) -> list[Row]:
    services = sorted({"auth", *topology()})
    async with connection(settings.amqp_url, "loctician status") as opened:
        return [(name, await _backlog(settings, name), await depths(opened, name)) for name in services]


async def _backlog(settings: Settings, service: str) -> Backlog:
    database = Database.from_settings(settings, service)
    sql = f"""SELECT count(*), coalesce(extract(epoch FROM now() - min(occurred_at)), 0)
              FROM (SELECT occurred_at FROM "{service}".outbox ORDER BY id LIMIT {MOST_COUNTED}) AS waiting"""
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            rows, age = (await session.execute(text(sql))).one()
        return Backlog(rows, max(float(age), 0.0))
    finally:
        await database.close()
