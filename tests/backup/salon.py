"""A platform's worth of data without its processes: the demo salon, its events, and what consumers made of them."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from cli.contracts.generator import service as service_of
from cli.services import SCHEMAS
from services.gdpr.audit import hash_chain
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import envelope
from shared.messaging.subscriptions import handle
from shared.settings import Settings
from shared.testing.servers import SECRET_KEY
from tests.migrations.catalog import Rows, contents, structure

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


def environment(database_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "AMQP_URL": "amqp://127.0.0.1:1/",
        "SECRET_KEY": os.environ.get("SECRET_KEY", SECRET_KEY),
    }


def settings(database_url: str) -> Settings:
    values = environment(database_url)
    names = ("DATABASE_URL", "AMQP_URL", "SECRET_KEY")
    return Settings.model_validate({name.lower(): values[name] for name in names} | {"environment": "test"})


def open_salon(database_url: str) -> None:
    """Schemas and demo data; there is no broker to prepare."""
    code = "from cli.main import SCHEMAS, OperatorSettings, demo, load, upgrade; settings = load(OperatorSettings); "
    code += "[upgrade(name, settings) for name in SCHEMAS]; demo()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(database_url), check=True, timeout=120)


async def owner(database_url: str) -> Any:
    """As the owner of the tables, under the claim `service`: the policies bind it too."""
    connection = await asyncpg.connect(database_url, timeout=10, command_timeout=60)
    await connection.execute("SELECT set_config('request.jwt.claims', $1, false)", SERVICE_CLAIMS.as_json())
    return connection


async def outbox(connection: Any, service: str) -> list[Json]:
    """The events that wait in a service's outbox, as they would be sent."""
    rows = await connection.fetch(f"SELECT * FROM {service}.outbox WHERE exchange = 'loctician.events' ORDER BY id")
    return [envelope(f"/services/{service}", {**row, "data": orjson.loads(row["data"])}) for row in rows]


async def consume(database_url: str, service: str, events: Iterable[Json]) -> list[bool]:
    """Hand events to a service as its consumer does; tells of each whether it was new."""
    service_settings = settings(database_url)
    database = Database.from_settings(service_settings, service)
    try:
        runtime = Runtime(service_of(service), service_settings, database)
        return [await handle(database, runtime.subscriptions, service, event) for event in events]
    finally:
        await database.close()


async def audited(database_url: str) -> hash_chain.Verification:
    """What `loctician audit verify` finds."""
    database = Database.from_settings(settings(database_url), "gdpr")
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return await hash_chain.verify(session)
    finally:
        await database.close()


async def photographed(database_url: str) -> tuple[dict[str, Rows], dict[str, dict[str, list[str]]]]:
    """Every row and every definition of every schema."""
    connection = await owner(database_url)
    try:
        rows = {schema: await contents(connection, schema) for schema in SCHEMAS}
        for tables in rows.values():
            for table_rows in tables.values():
                table_rows.sort(key=lambda row: orjson.dumps(row, option=orjson.OPT_SORT_KEYS))
        return rows, {schema: await structure(connection, schema) for schema in SCHEMAS}
    finally:
        await connection.close()
