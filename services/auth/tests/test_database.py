"""What the runtime role may do in the database, tried by connecting as it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.auth.tests.conftest import EMAIL, Register
from shared.auth import Claims
from shared.db import Database, transaction


class TestDatabaseRole:
    @pytest.mark.parametrize("table", ["credentials", "refresh_tokens", "sessions"])
    @pytest.mark.parametrize("verb", ["SELECT * FROM", "DELETE FROM", "TRUNCATE"])
    async def test_runtime_role_cannot_touch_secrets(
        self, database: Database, register: Register, table: str, verb: str
    ) -> None:
        await register()
        with pytest.raises(ProgrammingError, match="permission denied"):
            await database.call(text(f"{verb} auth.{table}"))

    async def test_functions_are_pinned_and_not_public(self, owner: AsyncEngine) -> None:
        query = text(
            """
            SELECT proname, proconfig, proacl::text FROM pg_proc
            WHERE pronamespace = 'auth'::regnamespace AND prosecdef""".replace("::", r"\:\:")
        )
        async with owner.connect() as connection:
            rows = (await connection.execute(query)).all()
        assert len(rows) > 20
        for row in rows:
            assert row.proconfig == ["search_path=pg_catalog, pg_temp"], row.proname
            assert "{=X/" not in row.proacl, row.proname
            assert ",=X/" not in row.proacl, row.proname

    async def test_each_sees_only_the_rows_of_their_claims(self, database: Database, register: Register) -> None:
        await register()
        await register("oskar@example.com")
        every = text("SELECT id, email FROM auth.users ORDER BY email")
        async with transaction(database, Claims(role="service")) as session:
            kirsten, oskar = (await session.execute(every)).all()
        seen = {}
        for claims in (
            Claims(role="anonymous"),
            Claims(role="customer", sub=kirsten.id),
            Claims(role="loctician", sub=oskar.id),
            Claims(role="staff", sub=oskar.id),
        ):
            async with transaction(database, claims) as session:
                seen[claims.role] = [row.email for row in await session.execute(every)]
        both = [EMAIL, "oskar@example.com"]
        assert seen == {"anonymous": [], "customer": [EMAIL], "loctician": both[1:], "staff": both}
        assert await database.call(every) == []

    async def test_nobody_raises_their_own_role(self, database: Database, register: Register) -> None:
        await register()
        async with transaction(database, Claims(role="service")) as session:
            user_id = (await session.execute(text("SELECT id FROM auth.users"))).scalar_one()
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with transaction(database, Claims(role="customer", sub=user_id)) as session:
                await session.execute(text("UPDATE auth.users SET role = 'admin'"))
