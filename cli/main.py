"""`loctician`: the command of the operator, and the home of the services' own commands."""

import asyncio
import logging
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from alembic.util import CommandError
from asyncpg import PostgresError
from rich.console import Console
from sqlalchemy.exc import DBAPIError
from typer.core import TyperGroup

from cli import (
    broker_manifests,
    dead_letters,
    drift,
    jobs,
    local_state,
    republish,
    restore,
    secret_files,
    status,
    subscribers,
)
from cli.contracts.alerts import prometheus_rule
from cli.contracts.compose import compose_settings
from cli.contracts.files import stale, write
from cli.contracts.generator import bus_description
from cli.contracts.generator import contracts as generated_contracts
from cli.services import SCHEMAS, SERVICES, service_module
from domain.settings.production import OperatorSettings
from migrations import broker as broker_preparation
from migrations.broker import LoginsNotMadeError
from migrations.migrate import NotMigratedError, downgrade, pending, upgrade
from migrations.waiting import wait_for_servers
from shared.database.errors import DATABASE_ERRORS
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import topology
from shared.messaging.broker import BrokerAwayError, brief
from shared.settings import Settings, load

ROOT = Path(__file__).parents[1]
ASYNCAPI, LOGINS = ROOT / "docs/asyncapi.json", ROOT / "deploy/kubernetes/base/broker-logins.yaml"
COMPOSE = ROOT / "deploy/compose/settings.yml"
ALERTS = ROOT / "deploy/kubernetes/base/alerts.yaml"


AWAY: tuple[type[Exception], ...] = (BrokerAwayError, LoginsNotMadeError, *DATABASE_ERRORS)


class Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Tells in one line when the database or the broker does not answer."""
        try:
            return super().invoke(ctx)
        except AWAY as error:
            out.print(f"Stopped: {brief(error)}", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(2) from error


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
contracts = typer.Typer(
    no_args_is_help=True, help="Event schemas, examples, subscriptions, and the personal data that services hold"
)
broker = typer.Typer(no_args_is_help=True, help="Exchanges and queues")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(contracts, name="contracts")
app.add_typer(broker, name="broker")
app.add_typer(restore.app, name="restore")
app.add_typer(subscribers.app, name="subscribers")
app.command("jobs")(jobs.show)
app.command("drift")(drift.show)
app.command("secrets")(secret_files.write_secrets)
app.command("republish")(republish.republish)
out = Console()


@app.callback()
def prepare(context: typer.Context) -> None:
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)  # a failed connection is told in one line
    local_state.use(context.invoked_subcommand, sys.argv)


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option(help="Only list what is to do; exit 1 when something is, 2 when the database cannot be read")
    ] = False,
    down: Annotated[
        str | None, typer.Option(metavar="SCHEMA", help="Take this schema down instead, by one revision")
    ] = None,
    to: Annotated[
        str,
        typer.Option(metavar="REVISION", help="With --down: to this revision; base drops all that the schema holds"),
    ] = "-1",
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long to wait for a database and a broker that do not answer")
    ] = 0.0,
) -> None:
    """Bring every schema to its newest revision, as the owner in DATABASE_URL, and prepare the broker in AMQP_URL.

    The platform may run meanwhile.
    """
    settings = load(OperatorSettings)
    if wait > 0:
        asyncio.run(wait_for_servers(settings, wait, partial(out.print, markup=False, highlight=False, soft_wrap=True)))
    try:
        if down:
            downgrade(_checked_schema(down), settings, to)
            out.print(f"{down}: taken down")
            return
        behind = {name: asyncio.run(pending(name, settings)) for name in SCHEMAS}
        if check:
            raise typer.Exit(_print_pending(behind))
        for name in SCHEMAS:
            upgrade(name, settings)
            out.print(f"{name}: {'migrated' if behind[name] else 'up to date'}")
    except (OSError, DBAPIError, PostgresError, NotMigratedError, CommandError) as error:
        reason = getattr(error, "orig", None) or error  # without SQLAlchemy's own lines
        where = " ".join(getattr(error, "__notes__", []))
        out.print(f"Not migrated: {reason} {where}".rstrip(), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    _prepare_broker(settings)


def _checked_schema(name: str) -> str:
    if name not in SCHEMAS:
        raise typer.BadParameter(f"the schemas are {', '.join(SCHEMAS)}", param_hint="--down")
    return name


def _print_pending(behind: dict[str, list[str]]) -> int:
    missing = [f"{name}: {revision}" for name, revisions in behind.items() for revision in revisions]
    for line in missing or ["Every schema is at its newest revision"]:
        out.print(line, markup=False, highlight=False)
    return 1 if missing else 0


@app.command()
def demo() -> None:
    """Load the demo salon into schemas that are empty."""
    settings = load(OperatorSettings)
    if settings.like_production:
        raise typer.BadParameter(f"demo data has known passwords and is not for {settings.environment}")
    for name in SERVICES:
        module = service_module(name, "demo")
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


@contracts.command()
def generate() -> None:
    """Write shared/contracts, docs/asyncapi.json, Compose's settings, and Kubernetes' logins and alerts."""
    files = generated_contracts(SERVICES)
    write(files)
    ASYNCAPI.write_bytes(bus_description(SERVICES))
    topology.publishers.cache_clear()  # they were written just now
    LOGINS.write_text(broker_manifests.manifests())
    COMPOSE.write_text(compose_settings())
    ALERTS.write_text(prometheus_rule())
    out.print(f"{len(files) + 4} files written")


@contracts.command()
def check() -> None:
    """List the files that differ from the code; exit 1 when there are any."""
    differing = stale(generated_contracts(SERVICES))
    if ASYNCAPI.read_bytes() != bus_description(SERVICES):
        differing.append(ASYNCAPI.name)
    if LOGINS.read_text() != broker_manifests.manifests():
        differing.append(LOGINS.name)
    if COMPOSE.read_text() != compose_settings():
        differing.append(COMPOSE.name)
    if ALERTS.read_text() != prometheus_rule():
        differing.append(ALERTS.name)
    out.print(f"Stale: {', '.join(differing)}" if differing else "Contracts are up to date")
    raise typer.Exit(1 if differing else 0)


@broker.command("declare")
def declare_topology() -> None:
    """Declare every exchange and queue and, with AMQP_MANAGEMENT_URL, make the services' logins. Can be repeated."""
    _prepare_broker(load(OperatorSettings))


def _prepare_broker(settings: Settings) -> None:
    with_logins = asyncio.run(broker_preparation.prepare(settings))
    logins = "with the services' logins" if with_logins else "without logins: AMQP_MANAGEMENT_URL is not set"
    out.print(f"broker: declared, {logins}", markup=False, highlight=False)


app.command("status")(status.status)

for _name in SERVICES:
    _module = service_module(_name, "cli")
    if _module:
        app.add_typer(_module.app)

if __name__ == "__main__":
    app()
