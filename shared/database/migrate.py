"""Migrations: roles and schema first, then alembic, as the owner. They run while the platform does: no lock is waited
for longer than calls can be held up, and of several that start at once one works and the others wait."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.engine import engine_to
from shared.settings import Settings, plain_url, role_password, runtime_role, runtime_url

log = structlog.get_logger(__name__)

ROOT = Path(__file__).parents[2]
EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent")
TAKE_TURN = text("SELECT pg_try_advisory_lock(hashtext('loctician.migrate'))")
ASK_AGAIN_SECONDS = 0.2
LOCKED = {"55P03", "40P01"}  # not to be had in time, deadlock
# Roles belong to the whole server, the turn to one database: another one's migration may have made them just now.
MEANWHILE = LOCKED | {"42710", "23505", "XX000"}


@dataclass(frozen=True)
class Patience:
    """How a migration waits. Whoever waits for a table's lock holds up all who come after: so briefly, and again."""

    lock_seconds: float = 1.0
    tries: int = 60
    longest_pause: float = 3.0
    turn_seconds: float = 900.0


PATIENT = Patience()


class NotMigratedError(Exception):
    """Nothing was left half done: each revision is one transaction."""


def config_of(service: str) -> Config:
    within = ROOT / "services" / service
    home = within if within.exists() else ROOT / service
    config = Config()
    config.set_main_option("script_location", str(home / "migrations"))
    return config


def heads(service: str) -> list[str]:
    return list(ScriptDirectory.from_config(config_of(service)).get_heads())


def revisions(service: str) -> list[str]:
    """Every revision, the first one first."""
    walked = ScriptDirectory.from_config(config_of(service)).walk_revisions()
    return [one.revision for one in walked][::-1]


def upgrade(service: str, settings: Settings, revision: str = "head") -> None:
    """Bring a service's schema up to `revision`, as the owner in DATABASE_URL."""
    asyncio.run(migrate(service, settings, revision))


async def migrate(
    service: str, settings: Settings, revision: str = "head", *, down: bool = False, patience: Patience = PATIENT
) -> None:
    engine = _engine(settings, patience)
    try:
        async with _turn(engine, patience):
            await _patiently(partial(_prepared, engine, service, settings), MEANWHILE, patience)
            if not (revision == "head" and await _ahead(engine, service)):
                await _patiently(partial(_migrated, engine, service, revision, down=down), LOCKED, patience)
    finally:
        await engine.dispose()


async def pending(service: str, settings: Settings) -> list[str]:
    """What the schema still lacks, each with its title; nothing where it is newer than this code."""
    engine = _engine(settings, PATIENT)
    try:
        known = {one.revision: one for one in ScriptDirectory.from_config(config_of(service)).walk_revisions()}
        async with engine.connect() as connection:
            current = await connection.run_sync(_current, service)
    finally:
        await engine.dispose()
    if current is None:
        done = 0
    elif current not in known:
        return []
    else:
        done = revisions(service).index(current) + 1
    return [f"{revision} {known[revision].doc}" for revision in revisions(service)[done:]]


def _engine(settings: Settings, patience: Patience) -> AsyncEngine:
    lock_timeout = f"{patience.lock_seconds * 1000:.0f}ms"
    session = {"application_name": "loctician-migrate", "lock_timeout": lock_timeout}
    url = plain_url(settings.database_url)
    return engine_to(url, connect={"timeout": 10, "server_settings": session}, poolclass=NullPool)


@asynccontextmanager
async def _turn(engine: AsyncEngine, patience: Patience) -> AsyncIterator[None]:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        until = time.monotonic() + patience.turn_seconds
        # asks again and again: waiting inside the lock function would hold a snapshot, for whose end an index that is
        # built concurrently waits
        while not (await connection.execute(TAKE_TURN)).scalar():
            if time.monotonic() > until:
                raise NotMigratedError("another migration of this database does not end")
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        yield


async def _patiently(attempt: Callable[[], Awaitable[None]], passing: set[str], patience: Patience) -> None:
    for tried in range(1, patience.tries + 1):
        try:
            await attempt()
        except (DBAPIError, asyncpg.PostgresError) as error:
            if getattr(getattr(error, "orig", error), "sqlstate", None) not in passing:
                raise
            if tried == patience.tries:
                raise NotMigratedError(f"a lock was not to be had in {tried} tries") from error
            log.warning("migration_waits", tried=tried, error=type(error).__name__)
            await asyncio.sleep(random.uniform(0.3, 1.0) * patience.longest_pause)  # noqa: S311 - no secret
        else:
            return


async def _prepared(engine: AsyncEngine, service: str, settings: Settings) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(_prepare, service, settings)


async def _migrated(engine: AsyncEngine, service: str, revision: str, *, down: bool) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(_run, service, revision, down=down)


async def _ahead(engine: AsyncEngine, service: str) -> bool:
    """Whether the schema is newer than this code, as it is while a newer version is rolled out: it is left alone."""
    async with engine.connect() as connection:
        current = await connection.run_sync(_current, service)
    return current is not None and current not in revisions(service)


def _current(connection: Connection, service: str) -> str | None:
    table = f"{service}.alembic_version"
    if connection.execute(text("SELECT to_regclass(:table)"), {"table": table}).scalar() is None:
        return None
    return connection.execute(text(f"SELECT version_num FROM {table}")).scalar()


def _prepare(connection: Connection, service: str, settings: Settings) -> None:
    role = runtime_role(service)
    for extension in EXTENSIONS:
        connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public"))
    _ensure_role(connection, role, _password(settings, service, role))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {service} TO {role}"))
    connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC")) if _owns_public(connection) else None


def _owns_public(connection: Connection) -> bool:
    statement = "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public'"
    return bool(connection.execute(text(statement)).scalar())


def _password(settings: Settings, service: str, role: str) -> str:
    url = make_url(runtime_url(settings, service))
    if url.username == role and url.password:
        return url.password
    return role_password(settings.secret_key.get_secret_value(), role)


def _ensure_role(connection: Connection, role: str, password: str) -> None:
    found = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    verb = "ALTER" if found else "CREATE"
    options = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS" if not found else "LOGIN"
    quoted = password.replace("'", "''")
    connection.execute(text(f"{verb} ROLE {role} {options} PASSWORD '{quoted}'".replace(":", r"\:")))


def _run(connection: Connection, service: str, revision: str, *, down: bool) -> None:
    config = config_of(service)
    config.attributes["connection"] = connection
    if down:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
