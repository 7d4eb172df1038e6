"""Migrations of auth: down, up again, and the models."""

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.migrate import migrate
from services.auth.models import metadata
from services.auth.tests.conftest import EMAIL, AsOwner, Login, Register
from shared.settings import Settings


class TestMigrations:
    async def test_go_down_and_up_again(self, settings: Settings, register: Register, login: Login) -> None:
        await migrate("auth", settings, "base", down=True)
        await migrate("auth", settings)
        await register()
        await login()

    async def test_all_sql_files_applied_again_keep_the_users_and_their_logins(
        self, register: Register, login: Login, settings: Settings, owner: AsyncEngine, as_owner: AsOwner
    ) -> None:
        await register()
        await login()
        async with owner.begin() as connection:
            await connection.execute(text("DELETE FROM auth.sql_files"))
        await migrate("auth", settings)
        assert [row.email for row in await as_owner("SELECT email FROM auth.users")] == [EMAIL]
        await login()

    async def test_tables_are_those_of_the_models(self, owner: AsyncEngine) -> None:
        async with owner.connect() as connection:
            columns = await connection.run_sync(
                lambda sync: {
                    name: {(column["name"], column["nullable"]) for column in inspect(sync).get_columns(name, "auth")}
                    for name in inspect(sync).get_table_names("auth")
                }
            )
        for name in ("alembic_version", "sql_files"):
            columns.pop(name)
        assert columns == {
            table.name: {(column.name, bool(column.nullable)) for column in table.columns}
            for table in metadata.tables.values()
        }
