"""The schema gdpr: migrations, tables and row security."""

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.migrate import migrate
from services.gdpr.models import metadata
from shared.settings import Settings


class TestSchema:
    async def test_migrations_go_down_and_up_again(self, settings: Settings) -> None:
        await migrate("gdpr", settings, "base", down=True)
        await migrate("gdpr", settings)

    async def test_tables_are_those_of_the_models(self, owner: AsyncEngine) -> None:
        async with owner.connect() as connection:
            columns = await connection.run_sync(
                lambda sync: {
                    name: {(info["name"], info["nullable"]) for info in inspect(sync).get_columns(name, "gdpr")}
                    for name in inspect(sync).get_table_names("gdpr")
                    if not name.startswith(("alembic_", "audit_log_", "sql_files"))
                }
            )
        assert columns == {
            table.name: {(column.name, bool(column.nullable)) for column in table.columns}
            for table in metadata.tables.values()
        }

    async def test_row_security_is_forced_on_every_table_about_people(self, owner: AsyncEngine) -> None:
        about_people = {
            table.name
            for table in metadata.tables.values()
            if any(column.info["personal"] != "none" for column in table.columns)
        }
        forced = text(
            "SELECT relname FROM pg_class WHERE relnamespace = CAST('gdpr' AS regnamespace) AND relforcerowsecurity"
        )
        async with owner.connect() as connection:
            bound = set((await connection.execute(forced)).scalars())
        assert about_people <= bound
