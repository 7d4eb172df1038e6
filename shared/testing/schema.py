"""What a service's tables are in the database, to be compared with its models."""

from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

Columns = dict[str, set[tuple[str, bool]]]
FORCED = text("SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(:schema) AND relforcerowsecurity")


async def columns(owner: AsyncEngine, schema: str) -> Columns:
    """Table -> its columns, each with whether it may be null."""

    def read(connection: Connection) -> Columns:
        inspector = inspect(connection)
        tables = set(inspector.get_table_names(schema)) - {"alembic_version", "sql_files"}
        return {
            name: {(one["name"], one["nullable"]) for one in inspector.get_columns(name, schema)} for name in tables
        }

    async with owner.connect() as connection:
        return await connection.run_sync(read)


def declared(metadata: MetaData) -> Columns:
    return {
        table.name: {(column.name, bool(column.nullable)) for column in table.columns}
        for table in metadata.tables.values()
    }


def of_people(metadata: MetaData) -> set[str]:
    """Tables with a column that says something of a person, or leads to one."""
    return {
        table.name
        for table in metadata.tables.values()
        if any(column.info["personal"] != "none" for column in table.columns)
    }


async def under_forced_rls(owner: AsyncEngine, schema: str) -> set[str]:
    async with owner.connect() as connection:
        return set((await connection.execute(FORCED, {"schema": schema})).scalars())
