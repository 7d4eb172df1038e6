"""The migrations of the schema calendar."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.migrate import heads, migrate
from services.calendar.models import metadata
from services.calendar.tests.conftest import AMINA
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.settings import Settings
from shared.testing.schema import columns, declared

VERSION = "INSERT INTO calendar.booking_versions (booking_id, version) VALUES (:id, 7)"
WINDOW = "INSERT INTO calendar.windows (loctician_id, day, windows) VALUES (:id, '2027-01-04', '[]')"
OLD_IMPORT = """
    INSERT INTO calendar.imports (id, loctician_id, status, covers_until) VALUES (:id, :id, 'current', '2027-01-04')
"""
IMPORT = """
    INSERT INTO calendar.imports (id, loctician_id, status, busy)
    VALUES (:id, :id, 'current', CAST(CAST(:busy AS text) AS tstzmultirange))
"""


class TestMigrations:
    async def test_there_is_one_head(self) -> None:
        assert len(heads("calendar")) == 1

    async def test_tables_are_those_of_the_models_also_after_going_down_and_up_again(
        self, settings: Settings, owner: AsyncEngine
    ) -> None:
        await migrate("calendar", settings, "base", down=True)
        await migrate("calendar", settings)
        assert await columns(owner, "calendar") == declared(metadata)

    async def test_the_last_date_of_an_import_is_included_once_it_is_called_valid_to(
        self, settings: Settings, database: Database
    ) -> None:
        await migrate("calendar", settings, "0006_validate_busy_times", down=True)
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text(OLD_IMPORT), {"id": AMINA})
        await migrate("calendar", settings)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text("SELECT valid_to FROM calendar.imports"))).scalar() == date(2027, 1, 3)

    async def test_all_sql_files_applied_again_keep_the_rows(
        self, settings: Settings, database: Database, owner: AsyncEngine
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            for statement in (VERSION, WINDOW):
                await session.execute(text(statement), {"id": AMINA})
        async with owner.begin() as connection:
            await connection.execute(text("DELETE FROM calendar.sql_files"))
        await migrate("calendar", settings)
        async with transaction(database, SERVICE_CLAIMS) as session:
            (held,) = (await session.execute(text("SELECT * FROM calendar.booking_versions"))).all()
            assert (held.booking_id, held.version) == (UUID(int=0xA), 7)
            assert (await session.execute(text("SELECT count(*) FROM calendar.windows"))).scalar() == 1


class TestTables:
    @pytest.mark.parametrize("busy", ["{(,)}", "{(,2027-01-04)}", "{[2027-01-04,2027-01-05),[2027-01-06,)}"])
    async def test_busy_times_without_bounds_are_refused(self, busy: str, database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            with pytest.raises(IntegrityError, match="imports_busy_check"):
                await session.execute(text(IMPORT), {"id": AMINA, "busy": busy})
            await session.rollback()
