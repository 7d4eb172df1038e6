from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.models import metadata
from shared.database.migrate import heads, migrate
from shared.settings import Settings
from shared.testing.servers import as_owner


class TestMigrations:
    async def test_there_is_one_head(self) -> None:
        assert len(heads("booking")) == 1

    async def test_go_down_and_up_again(self, settings: Settings, owner_url: str) -> None:
        await migrate("booking", settings, "base", down=True)
        await migrate("booking", settings)
        await as_owner(owner_url, "SELECT booking.clock()")

    async def test_tables_are_those_of_the_models(self, owner: AsyncEngine) -> None:
        async with owner.connect() as connection:
            found = await connection.run_sync(
                lambda sync: {
                    name: {(one["name"], one["nullable"]) for one in inspect(sync).get_columns(name, "booking")}
                    for name in inspect(sync).get_table_names("booking")
                }
            )
        for name in ("alembic_version", "sql_files"):
            found.pop(name)
        assert found == {
            table.name: {(column.name, bool(column.nullable)) for column in table.columns}
            for table in metadata.tables.values()
        }
