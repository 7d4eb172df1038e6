"""`loctician restore`: what is to do when the database has been brought back to an earlier time."""

import asyncio
from datetime import UTC, datetime
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from cli.services import SERVICES, service_module
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import broker, topology
from shared.settings import Settings, load

app = typer.Typer(no_args_is_help=True, help=__doc__)
out = Console()
BROKER_SECONDS = 30.0


@app.command("drop-queued")
def drop_queued(yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    """Empty every service's queue and its retries: they hold news of what the restored database does not know.

    While no service runs. Outboxes and dead letters stay.
    """
    if not yes:
        typer.confirm("Throw away every message that waits to be handled?", abort=True)
    for name, count in asyncio.run(_dropped(load(Settings).amqp_url)).items():
        out.print(f"{name}: {count} dropped", highlight=False)


async def _dropped(amqp_url: str) -> dict[str, int]:
    bindings = topology.load()
    async with broker.connection(amqp_url, "loctician restore") as connection:
        channel = await connection.channel()
        await topology.declare(channel, bindings)
        counts = {}
        for service in bindings:
            names = [topology.events_queue(service), *(topology.retry_queue(service, one) for one in topology.DELAYS)]
            queues = [await channel.get_queue(name, ensure=False) for name in names]
            purged = [await queue.purge(timeout=BROKER_SECONDS) for queue in queues]
            counts[service] = sum(one.message_count or 0 for one in purged)
    return counts


@app.command()
def retell(since: Annotated[datetime, typer.Option(help="UTC; well before the time restored to")]) -> None:
    """Publish again how everything changed since then stands now, for whoever had not handled it yet.

    Safe at any time: consumers pass over a version they know, so nobody is told twice.
    """
    settings = load(Settings)
    for name in SERVICES:
        module = service_module(name, "republish") or service_module(name, "retelling")
        if module:
            out.print(f"{name}: {asyncio.run(_retold(module, name, settings, since.replace(tzinfo=UTC)))} told again")


async def _retold(module: ModuleType, name: str, settings: Settings, since: datetime) -> int:
    database = Database.from_settings(settings, name)
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            republish = module.republish if hasattr(module, "republish") else module.retell
            return int(await republish(session, since))
    finally:
        await database.close()
