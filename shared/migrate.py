"""Migrations: roles and schema first, then alembic, as the owner; several at once wait for each other."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from shared.settings import Settings, plain_url, role_password, runtime_role, runtime_url

ROOT = Path(__file__).parent.parent
EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent")
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('loctician.migrate'))")


def config_of(service: str) -> Config:
    within = ROOT / "services" / service
    home = within if within.exists() else ROOT / service
    config = Config()
    config.set_main_option("script_location", str(home / "migrations"))
    return config


def heads(service: str) -> list[str]:
    return list(ScriptDirectory.from_config(config_of(service)).get_heads())


def upgrade(service: str, settings: Settings, revision: str = "head") -> None:
    """Bring a service's schema up to `revision`, as the owner in DATABASE_URL."""
    asyncio.run(migrate(service, settings, revision))


async def migrate(service: str, settings: Settings, revision: str = "head", *, down: bool = False) -> None:
    url = plain_url(settings.database_url).replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, connect_args={"timeout": 10})
    try:
        async with engine.begin() as connection:
            await connection.execute(ONE_AT_A_TIME)
            await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            await connection.run_sync(_prepare, service, settings)
            await connection.run_sync(_run, service, revision, down=down)
    finally:
        await engine.dispose()


async def pending(service: str, settings: Settings) -> bool:
    """Whether the schema is not at its newest revision."""
    url = plain_url(settings.database_url).replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, connect_args={"timeout": 10})
    try:
        async with engine.connect() as connection:
            table = f"{service}.alembic_version"
            if (await connection.execute(text("SELECT to_regclass(:table)"), {"table": table})).scalar() is None:
                return True
            rows = await connection.execute(text(f"SELECT version_num FROM {table}"))
            return sorted(rows.scalars()) != sorted(heads(service))
    finally:
        await engine.dispose()


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
    # Roles belong to the whole server: databases on one server share them, so this waits for others doing the same.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:role))"), {"role": role})
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
