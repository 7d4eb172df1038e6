"""Migrated databases for tests: each copied from a template that is migrated once for each state of the code."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from migrations.migrate import migrate
from shared.settings import Roles, Settings, load, plain_url
from shared.testing.servers import Servers, as_owner, settings_for, with_database
from shared.testing.types import DatabaseUrl

ROOT = Path(__file__).parents[2]
PREFIX = "template"
SOURCES = ("migrations/**/*.py", "migrations/**/*.sql", "sql/*.sql", "models.py")
LOCK = "SELECT pg_advisory_lock(hashtext('loctician test templates'))"
STALE = r"SELECT datname FROM pg_database WHERE datname LIKE $1 AND datname <> $2"


def digest(service: str) -> str:
    """Of all that decides what a migrated database looks like."""
    sha = hashlib.sha256()
    for path in _sources(service):
        sha.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]


def _sources(service: str) -> Iterator[Path]:
    home = ROOT / "services" / service
    home = home if home.exists() else ROOT / service
    for pattern in SOURCES:
        yield from sorted(home.glob(pattern))
    yield from sorted((ROOT / "migrations").glob("*.py"))
    yield from sorted((ROOT / "migrations").rglob("*.sql"))


@pytest.fixture(scope="session")
async def database_url(servers: Servers) -> AsyncIterator[DatabaseUrl]:
    """The owner's address of a migrated database for a service, made when first asked for."""
    addresses: dict[str, str] = {}
    async with AsyncExitStack() as stack:

        async def get(service: str) -> str:
            if service not in addresses:
                settings = settings_for(servers, servers.database_url)
                name = await copy_of_template(service, settings)
                drop = f"DROP DATABASE {name} WITH (FORCE)"
                stack.push_async_callback(as_owner, servers.database_url, drop)
                addresses[service] = with_database(servers.database_url, name)
                await migrate(service, settings_for(servers, addresses[service]))  # its role belongs to the server
            return addresses[service]

        yield get


async def copy_of_template(service: str, settings: Settings) -> str:
    """The name of a new database of this service. `settings` name the server."""
    template, name = f"{_templates(service)}{digest(service)}", f"test_{service}_{uuid4().hex[:10]}"
    async with _turn(settings.database_url) as connection:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            await _make(connection, service, settings, template)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


def _templates(service: str) -> str:
    """What their names begin with: they hold the rights of roles with this prefix."""
    return f"{PREFIX}_{service}_{load(Roles).database_role_prefix}_"


async def _make(connection: asyncpg.Connection, service: str, settings: Settings, template: str) -> None:
    for row in await connection.fetch(STALE, _templates(service).replace("_", r"\_") + "%", template):
        await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
    building = f"{template}_building"  # a run that is killed leaves no half-migrated template
    await connection.execute(f"CREATE DATABASE {building}")
    await migrate(service, settings.model_copy(update={"database_url": with_database(settings.database_url, building)}))
    await connection.execute(f"ALTER DATABASE {building} RENAME TO {template}")


@asynccontextmanager
async def _turn(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(plain_url(url), timeout=10, command_timeout=120)
    try:
        await connection.execute(LOCK)
        yield connection
    finally:
        await connection.close()
