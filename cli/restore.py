"""`loctician restore`: the steps after the database was restored to an earlier time (docs/backup.md)."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from cli.republish import Wanted, publish
from domain.settings.production import OperatorSettings
from migrations.topology import declare
from shared.messaging import broker, topology
from shared.settings import load

app = typer.Typer(no_args_is_help=True, help=__doc__)
out = Console()
PURGE_SECONDS = 30.0


@app.command("drop-queued")
def drop_queued(yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    """Delete all messages in the services' queues and retry queues: the restored database does not know their causes.

    Stop all services first. Outboxes and dead letters stay.
    """
    if not yes:
        typer.confirm("Delete every message that waits in a queue?", abort=True)
    for name, count in asyncio.run(_purge_queues(load(OperatorSettings).amqp_url)).items():
        out.print(f"{name}: {count} dropped", highlight=False)


async def _purge_queues(amqp_url: str) -> dict[str, int]:
    """Returns the number of deleted messages by service."""
    bindings = topology.load()
    async with broker.connection(amqp_url, "loctician restore") as connection:
        channel = await connection.channel()
        await declare(channel, bindings)
        counts = {}
        for service in bindings:
            retry_queues = [topology.retry_queue(service, delay) for delay in topology.DELAYS]
            counts[service] = 0
            for name in (topology.events_queue(service), *retry_queues):
                queue = await channel.get_queue(name, ensure=False)
                purged = await queue.purge(timeout=PURGE_SECONDS)
                counts[service] += purged.message_count or 0
    return counts


@app.command()
def republish(
    since: Annotated[datetime, typer.Option(help="UTC; for example one hour before the time restored to")],
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Continue an interrupted run after what it named last")
    ] = None,
) -> None:
    """Publish the current state of everything that changed since then, for all consumers: they lost events.

    Can be repeated: consumers ignore versions that they know, and nobody is notified of what is republished. For one
    consumer use `loctician republish --to`.
    """
    wanted = Wanted(since=since.replace(tzinfo=UTC), after=after)
    publish(load(OperatorSettings), wanted, None)
