from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.migrate import heads, migrate
from services.notifications.models import metadata
from services.notifications.tests.conftest import Rows, booking
from shared.settings import Settings
from shared.testing.schema import columns, declared
from shared.testing.types import Deliver


class TestMigrations:
    async def test_there_is_one_head(self) -> None:
        assert len(heads("notifications")) == 1

    async def test_tables_match_the_models_also_after_downgrade_and_upgrade(
        self, settings: Settings, owner: AsyncEngine
    ) -> None:
        await migrate("notifications", settings, "base", down=True)
        await migrate("notifications", settings)
        assert await columns(owner, "notifications") == declared(metadata)

    async def test_all_sql_files_applied_again_keep_the_rows(
        self, settings: Settings, deliver: Deliver, rows: Rows, salon: None, owner: AsyncEngine
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        before = {name: await rows(name, "1") for name in ("contacts", "deliveries", "notices", "appointments")}
        async with owner.begin() as connection:
            await connection.execute(text("DELETE FROM notifications.sql_files"))
        await migrate("notifications", settings)
        assert {name: await rows(name, "1") for name in before} == before
