"""`loctician status`: is anything waiting that should not."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.database.session import Database
from shared.messaging.broker import BrokerAwayError, connection
from shared.messaging.queue_depth import Backlog, Depths, backlog, depths
from shared.messaging.topology import load as topology
from shared.settings import Settings, load

out = Console()
PATIENCE = 60.0  # seconds an event may wait in an outbox before it counts as stuck
Row = tuple[str, Backlog, Depths | None]


def status(
    patience: Annotated[float, typer.Option(help="Seconds an event may wait in an outbox")] = PATIENCE,
) -> None:
    """Outboxes, queues, retries and dead letters of each service; exit 1 when something is stuck."""
    try:
        rows = asyncio.run(_gathered(load(Settings)))
    except BrokerAwayError as error:
        out.print(str(error))
        raise typer.Exit(2) from error
    table = Table("service", "outbox", "oldest (s)", "queue", "retrying", "dead", "consumers")
    for service, waiting, queued in rows:
        queues = ["-"] * 4
        if queued is not None:
            queues = [str(queued.events), str(queued.retry), str(queued.dead), str(queued.consumers)]
        table.add_row(service, str(waiting.rows), f"{waiting.oldest_seconds:.1f}", *queues)
    out.print(table)
    stuck = [name for name, waiting, queued in rows if waiting.oldest_seconds > patience or (queued and queued.dead)]
    if stuck:
        out.print(f"Look at: {', '.join(stuck)} (docs/operations.md says how)")
        raise typer.Exit(1)


async def _gathered(settings: Settings) -> list[Row]:
    services = sorted({"auth", *topology()})
    async with connection(settings.amqp_url, "loctician status") as opened:
        return [(name, await _backlog(settings, name), await depths(opened, name)) for name in services]


async def _backlog(settings: Settings, service: str) -> Backlog:
    database = Database.from_settings(settings, service)
    try:
        return await backlog(database)
    finally:
        await database.close()
