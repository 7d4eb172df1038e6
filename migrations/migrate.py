"""Migrations: roles and schema, then Alembic's revisions, then SQL files; all as the owner in DATABASE_URL.

They run while the platform does: a lock is waited for no longer than calls can be held up. Of several that start at
once, one works and the others wait.
"""

import asyncio
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
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.preparation import NotMigratedError as NotMigratedError
from migrations.preparation import prepare
from migrations.sql_files import differing
from shared.backoff import jitter
from shared.database.engine import engine_to
from shared.database.errors import sqlstate
from shared.settings import Settings, plain_url

log = structlog.get_logger(__name__)

ROOT = Path(__file__).parents[1]
TAKE_TURN = text("SELECT pg_try_advisory_lock(hashtext('loctician.migrate'))")
ASK_AGAIN_SECONDS = 0.2
LOCKED = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
# Roles belong to the whole server, the turn to one database: another one's migration may have made them just now.
CONCURRENT = LOCKED | {"42710", "23505", "XX000"}
# Revisions of the time before the first release, which were replaced by one baseline a schema.
DEVELOPMENT_REVISIONS = {f"{number:04}" for number in range(1, 9)}


@dataclass(frozen=True)
class LockWait:
    """How a migration waits for locks: briefly and again, since it holds up all who come after it meanwhile."""

    lock_seconds: float = 1.0
    tries: int = 60
    pause: float = 2.0  # seconds, before jitter
    turn_seconds: float = 900.0


DEFAULT_WAIT = LockWait()


def config_of(service: str) -> Config:
    within = ROOT / "services" / service
    home = within if within.exists() else ROOT / service
    config = Config()
    config.set_main_option("script_location", str(home / "migrations"))
    return config


def sql_folder(service: str) -> Path:
    return Path(ScriptDirectory.from_config(config_of(service)).dir).parent / "sql"


def heads(service: str) -> list[str]:
    return list(ScriptDirectory.from_config(config_of(service)).get_heads())


def revisions(service: str) -> list[str]:
    """Every revision, the first one first."""
    scripts = ScriptDirectory.from_config(config_of(service)).walk_revisions()
    return [script.revision for script in scripts][::-1]


def upgrade(service: str, settings: Settings, revision: str = "head") -> None:
    """Bring a service's schema up to `revision`, as the owner in DATABASE_URL."""
    asyncio.run(migrate(service, settings, revision))


def downgrade(service: str, settings: Settings, revision: str) -> None:
    """Take a service's schema down to `revision`: an id, `-1` or `base`."""
    asyncio.run(migrate(service, settings, revision, down=True))


async def migrate(
    service: str, settings: Settings, revision: str = "head", *, down: bool = False, wait: LockWait = DEFAULT_WAIT
) -> None:
    """Run what is missing. A schema that is newer than this code is left alone.

    Raises NotMigratedError when a lock or the turn cannot be had, the database is of a development version, or its
    roles have another prefix.
    """
    await as_owner(service, settings, partial(_run, service=service, revision=revision, down=down), wait)


async def as_owner(
    service: str, settings: Settings, work: Callable[[Connection], None], wait: LockWait = DEFAULT_WAIT
) -> None:
    """Run `work` on a connection of the owner: with the turn taken and the schema prepared, again while locks fail."""
    engine = _engine(settings, wait)
    try:
        async with _turn(engine, wait):
            await _refuse_development_version(engine, service)
            await _with_retries(partial(_prepared, engine, service, settings), CONCURRENT, wait)
            await _with_retries(partial(_on_connection, engine, work), LOCKED, wait)
    finally:
        await engine.dispose()


async def pending(service: str, settings: Settings) -> list[str]:
    """Revisions that the schema lacks, each with its title, and SQL files that differ; nothing where it is newer."""
    engine = _engine(settings, DEFAULT_WAIT)
    try:
        await _refuse_development_version(engine, service)
        async with engine.connect() as connection:
            current = await connection.run_sync(_current, service)
            files = await connection.run_sync(differing, service, sql_folder(service))
    finally:
        await engine.dispose()
    scripts = [*ScriptDirectory.from_config(config_of(service)).walk_revisions()][::-1]
    known = [script.revision for script in scripts]
    if current is not None and current not in known:
        return []
    done = known.index(current) + 1 if current else 0
    return [f"{script.revision} {script.doc}" for script in scripts[done:]] + [f"SQL file {name}" for name in files]


def _engine(settings: Settings, wait: LockWait) -> AsyncEngine:
    lock_timeout = f"{wait.lock_seconds * 1000:.0f}ms"
    session = {"application_name": "loctician-migrate", "lock_timeout": lock_timeout}
    url = plain_url(settings.database_url)
    return engine_to(url, connect={"timeout": 10, "server_settings": session}, poolclass=NullPool)


@asynccontextmanager
async def _turn(engine: AsyncEngine, wait: LockWait) -> AsyncIterator[None]:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        until = time.monotonic() + wait.turn_seconds
        # Polls: waiting inside the lock function would hold a snapshot, for whose end an index that is built
        # concurrently waits.
        while not (await connection.execute(TAKE_TURN)).scalar():
            if time.monotonic() > until:
                raise NotMigratedError("another migration of this database does not end")
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        yield


async def _with_retries(attempt: Callable[[], Awaitable[None]], passing: set[str], wait: LockWait) -> None:
    for tried in range(1, wait.tries + 1):
        try:
            await attempt()
        except (DBAPIError, asyncpg.PostgresError) as error:
            if sqlstate(error) not in passing:
                raise
            if tried == wait.tries:
                raise NotMigratedError(f"a lock could not be had in {tried} tries") from error
            log.warning("migration_waits", tried=tried, error=type(error).__name__)
            await asyncio.sleep(jitter(wait.pause, spread=0.5))
        else:
            return


async def _prepared(engine: AsyncEngine, service: str, settings: Settings) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(prepare, service, settings)


async def _on_connection(engine: AsyncEngine, work: Callable[[Connection], None]) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(work)


async def _refuse_development_version(engine: AsyncEngine, service: str) -> None:
    async with engine.connect() as connection:
        current = await connection.run_sync(_current, service)
    if current in DEVELOPMENT_REVISIONS - set(revisions(service)):
        raise NotMigratedError(
            f"the schema {service} is of a development version ({current}), which cannot be migrated: start with an"
            " empty database (drop this one and create it anew; for `make up`, delete the folder .local)"
        )


def _current(connection: Connection, service: str) -> str | None:
    table = f"{service}.alembic_version"
    if connection.execute(text("SELECT to_regclass(:table)"), {"table": table}).scalar() is None:
        return None
    return connection.execute(text(f"SELECT version_num FROM {table}")).scalar()


def _run(connection: Connection, *, service: str, revision: str, down: bool) -> None:
    current = _current(connection, service)
    connection.rollback()  # Alembic begins its own transactions
    if revision == "head" and current is not None and current not in revisions(service):
        return  # newer than this code, as it is while a newer version is rolled out
    config = config_of(service)
    config.attributes["connection"] = connection
    if down and revision == "-1" and current == revisions(service)[0]:
        raise NotMigratedError(f"{service} is at its first revision; to drop all it holds, go down to base")
    if down:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
