"""The whole history of every schema, up and down, with rows in every table."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from cli.services import SCHEMAS, SERVICES, service_module
from migrations.migrate import migrate, revisions
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.settings import Settings
from tests.migrations.catalog import Rows, contents, missing_rows, structure
from tests.migrations.rows import fill


@dataclass(frozen=True)
class Stage:
    revision: str
    rows: Rows
    structure: dict[str, list[str]]


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[Any]:
    """The owner of the tables, under the claim `service`: the policies bind it too."""
    connection = await asyncpg.connect(settings.database_url, timeout=10, command_timeout=60)
    await connection.execute("SELECT set_config('request.jwt.claims', $1, false)", SERVICE_CLAIMS.as_json())
    yield connection
    await connection.close()


async def stage(connection: Any, schema: str, revision: str) -> Stage:
    return Stage(revision, await contents(connection, schema), await structure(connection, schema))


@pytest.mark.parametrize("schema", SCHEMAS)
class TestHistory:
    async def test_every_revision_keeps_what_stands_in_the_tables_up_down_and_up_again(
        self, schema: str, settings: Settings, owner: Any
    ) -> None:
        passed: list[Stage] = []
        for number, revision in enumerate(revisions(schema)):
            await migrate(schema, settings, revision)
            assert not passed or missing_rows(passed[-1].rows, await contents(owner, schema)) == []
            await fill(owner, schema, number)
            passed.append(await stage(owner, schema, revision))
        for below in passed[-2::-1]:
            await migrate(schema, settings, below.revision, down=True)
            now = await stage(owner, schema, below.revision)
            assert missing_rows(below.rows, now.rows) == []
            assert now.structure == below.structure
        await migrate(schema, settings)
        now = await stage(owner, schema, passed[-1].revision)
        assert missing_rows(passed[0].rows, now.rows) == []
        assert now.structure == passed[-1].structure
        await migrate(schema, settings, "base", down=True)
        assert not any((await structure(owner, schema)).values()), "nothing is left"
        await migrate(schema, settings)
        assert await structure(owner, schema) == passed[-1].structure


class TestDemo:
    @pytest.mark.parametrize("service", [service for service in SERVICES if len(revisions(service)) > 1])
    async def test_the_demo_salon_survives_the_way_down_to_the_first_revision_and_up(
        self, service: str, settings: Settings, owner: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("database_url", "amqp_url"):
            monkeypatch.setenv(name.upper(), getattr(settings, name))
        monkeypatch.setenv("SECRET_KEY", settings.root_key)
        await migrate(service, settings)
        if demo := service_module(service, "demo"):
            database = Database.from_settings(settings, service)
            async with transaction(database, SERVICE_CLAIMS) as session:
                assert await demo.load(session)
            await database.close()
        before = await contents(owner, service)
        await migrate(service, settings, revisions(service)[0], down=True)
        below = await contents(owner, service)
        assert missing_rows(before, below) == []
        await migrate(service, settings)
        assert missing_rows(below, await contents(owner, service)) == []
