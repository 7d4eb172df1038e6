"""The baseline revision and the models describe the same schema."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from migrations.migrate import heads, migrate
from migrations.preparation import EXTENSIONS
from services.booking.models import metadata
from shared.settings import Settings, plain_url
from shared.testing.servers import Servers, as_owner, with_database

SEARCH_FUNCTIONS = Path(__file__).parents[1] / "migrations/baseline/search.sql"
OF_SHARED = {"outbox", "inbox", "erased_subjects", "retention_runs", "job_runs"}
CONSTRAINTS_AND_INDEXES = text(
    """
    SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = 'booking'::regnamespace AND c.relname = ANY (:tables)
    UNION ALL
    SELECT c.relname, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = 'booking'::regnamespace AND c.relname = ANY (:tables)
""".replace("::", r"\:\:")
)


def engine_of(url: str) -> AsyncEngine:
    return create_async_engine(plain_url(url).replace("postgresql://", "postgresql+asyncpg://", 1))


@pytest.fixture
async def created(servers: Servers) -> AsyncIterator[AsyncEngine]:
    """A schema that SQLAlchemy creates from the models, in a database of its own."""
    name = f"test_models_{uuid4().hex[:10]}"
    url = with_database(servers.database_url, name)
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    extensions = [f"CREATE EXTENSION {extension} SCHEMA public" for extension in EXTENSIONS]
    functions = SEARCH_FUNCTIONS.read_text().replace(":", r"\:").split(";\n\n")
    await as_owner(url, *extensions, "CREATE SCHEMA booking", *functions)
    engine = engine_of(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield engine
    finally:
        await engine.dispose()
        await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


async def constraints_and_indexes(engine: AsyncEngine) -> set[tuple[str, str, str]]:
    tables = [table.name for table in metadata.tables.values() if table.name not in OF_SHARED]
    async with engine.connect() as connection:
        rows = await connection.execute(CONSTRAINTS_AND_INDEXES, {"tables": tables})
        return {(row[0], row[1], row[2]) for row in rows}


class TestMigrations:
    async def test_there_is_one_head(self) -> None:
        assert len(heads("booking")) == 1

    async def test_go_down_and_up_again(self, settings: Settings, owner_url: str) -> None:
        await migrate("booking", settings, "base", down=True)
        await migrate("booking", settings)
        await as_owner(owner_url, "SELECT booking.clock()")

    async def test_tables_are_those_of_the_models(self, owner: AsyncEngine) -> None:
        async with owner.connect() as connection:
            tables = await connection.run_sync(
                lambda sync: {
                    name: {
                        (column["name"], column["nullable"]) for column in inspect(sync).get_columns(name, "booking")
                    }
                    for name in inspect(sync).get_table_names("booking")
                }
            )
        for name in ("alembic_version", "sql_files"):
            tables.pop(name)
        assert tables == {
            table.name: {(column.name, bool(column.nullable)) for column in table.columns}
            for table in metadata.tables.values()
        }

    async def test_constraints_and_indexes_are_those_of_the_models(
        self, owner: AsyncEngine, created: AsyncEngine
    ) -> None:
        assert await constraints_and_indexes(owner) == await constraints_and_indexes(created)
