"""`loctician`: the operator's command."""

import asyncio
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from cli import dead_letters, status
from shared import asyncapi
from shared.auth import SERVICE_CLAIMS
from shared.broker import connection
from shared.consumer import Subscriptions
from shared.contracting import documents, event_classes, stale, write
from shared.db import Database, transaction
from shared.events import Event
from shared.migrate import pending, upgrade
from shared.settings import Settings, load
from shared.topology import declare
from shared.topology import load as topology

ASYNCAPI = Path(__file__).parents[1] / "docs" / "asyncapi.json"
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")
SCHEMAS = (*SERVICES, "gateway")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
contracts = typer.Typer(no_args_is_help=True, help="Event schemas, examples and the subscription map")
broker = typer.Typer(no_args_is_help=True, help="Exchanges and queues")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(contracts, name="contracts")
app.add_typer(broker, name="broker")
out = Console()


def room(service: str, name: str) -> ModuleType | None:
    """A service's module of this name, where it has one."""
    full = f"services.{service}.{name}"
    return importlib.import_module(full) if importlib.util.find_spec(full) else None


@app.command()
def migrate(check: Annotated[bool, typer.Option(help="Only tell; exit 1 when something is to do")] = False) -> None:
    """Bring every schema to its newest revision, as the owner in DATABASE_URL."""
    settings = load(Settings)
    behind = [name for name in SCHEMAS if asyncio.run(pending(name, settings))]
    if check:
        out.print(f"To migrate: {', '.join(behind)}" if behind else "Every schema is at its newest revision")
        raise typer.Exit(1 if behind else 0)
    for name in SCHEMAS:
        upgrade(name, settings)
        out.print(f"{name}: {'migrated' if name in behind else 'up to date'}")


@app.command()
def demo() -> None:
    """Load the demo salon into schemas that are still empty."""
    settings = load(Settings)
    if settings.environment == "production":
        raise typer.BadParameter("demo data has known passwords and is not for production")
    for name in SERVICES:
        module = room(name, "demo")
        if module:
            loaded = asyncio.run(_load(module, name, settings))
            out.print(f"{name}: {'demo data loaded' if loaded else 'has data already'}")


async def _load(module: ModuleType, name: str, settings: Settings) -> bool:
    database = Database.from_settings(settings, name)
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return bool(await module.load(session))
    finally:
        await database.close()


def _generated() -> dict[str, bytes]:
    return documents([event for events in _published().values() for event in events], _routing())


def _published() -> dict[str, list[type[Event]]]:
    return {name: event_classes([module] if (module := room(name, "events")) else []) for name in SERVICES}


def _routing() -> dict[str, list[str]]:
    return {name: _subscriptions(name).types for name in SERVICES}


def bus_description() -> bytes:
    """The AsyncAPI document, as it is kept in docs/."""
    return asyncapi.written(asyncapi.document(_published(), _routing()))


def _subscriptions(name: str) -> Subscriptions:
    module = room(name, "consumers")
    found: Subscriptions = module.subscriptions if module else Subscriptions()
    return found


@contracts.command()
def generate() -> None:
    """Write shared/contracts and docs/asyncapi.json from the code."""
    files = _generated()
    write(files)
    ASYNCAPI.write_bytes(bus_description())
    out.print(f"{len(files) + 1} files written")


@contracts.command()
def check() -> None:
    """Tell which files differ from the code."""
    differing = stale(_generated())
    if ASYNCAPI.read_bytes() != bus_description():
        differing.append(ASYNCAPI.name)
    out.print(f"Stale: {', '.join(differing)}" if differing else "Contracts are up to date")
    raise typer.Exit(1 if differing else 0)


@broker.command("declare")
def declare_topology() -> None:
    """Declare every exchange and queue; harmless to repeat."""
    asyncio.run(_declare(load(Settings).amqp_url))
    out.print("Declared")


async def _declare(amqp_url: str) -> None:
    async with connection(amqp_url, "loctician broker declare") as opened:
        await declare(await opened.channel(), topology())


app.command("status")(status.status)

for _name in SERVICES:
    _module = room(_name, "cli")
    if _module:
        app.add_typer(_module.app)

if __name__ == "__main__":
    app()
