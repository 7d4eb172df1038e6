from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from services.auth.models import metadata
from services.auth.tests.conftest import EMAIL, Behind, Login, Register
from shared.database.migrate import migrate
from shared.settings import Settings

HERE_BEFORE = """
    INSERT INTO auth.users (id, email, full_name, language, role, email_verified, version)
    SELECT gen_random_uuid(), name || '@example.com', name, 'da', 'customer', verified, version
    FROM (VALUES ('new', false, 1), ('verified', true, 2), ('changed', false, 3)) AS one (name, verified, version)
"""


class TestMigrations:
    async def test_go_down_and_up_again_with_people_in_it(
        self, register: Register, login: Login, settings: Settings, behind: Behind
    ) -> None:
        await register()
        await login()
        await migrate("auth", settings, "0001", down=True)
        assert [row.email for row in await behind("SELECT email FROM auth.users")] == [EMAIL]
        await behind(HERE_BEFORE)
        await migrate("auth", settings)
        await login()
        never = await behind("SELECT email FROM auth.users WHERE first_verified_at IS NULL ORDER BY email")
        assert [row.email for row in never] == [EMAIL, "new@example.com"]

    async def test_tables_are_those_of_the_models(self, owner: AsyncEngine) -> None:
        async with owner.connect() as connection:
            found = await connection.run_sync(
                lambda sync: {
                    name: {(one["name"], one["nullable"]) for one in inspect(sync).get_columns(name, "auth")}
                    for name in inspect(sync).get_table_names("auth")
                }
            )
        for name in ("alembic_version", "sql_files"):
            found.pop(name)
        assert found == {
            table.name: {(column.name, bool(column.nullable)) for column in table.columns}
            for table in metadata.tables.values()
        }
