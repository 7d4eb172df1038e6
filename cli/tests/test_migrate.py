"""`loctician migrate` as an operator and several starting replicas run it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from subprocess import CompletedProcess
from uuid import uuid4

import asyncpg
import pytest

from cli.services import SCHEMAS
from cli.tests.command import call, start
from migrations.migrate import heads
from shared.testing.servers import Servers, as_owner, secret_key, vhost, with_database


@pytest.fixture
async def empty_database(servers: Servers) -> AsyncIterator[str]:
    name = f"test_cli_{uuid4().hex[:8]}"
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    yield with_database(servers.database_url, name)
    await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", autouse=True)
def amqp_url(servers: Servers) -> Iterator[str]:
    with vhost(servers) as address:
        os.environ["TESTED_AMQP_URL"] = address
        yield address


def environment(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "SECRET_KEY": secret_key(), "AMQP_URL": os.environ["TESTED_AMQP_URL"]}


async def loctician(database_url: str, *arguments: str) -> CompletedProcess[str]:
    return await call(environment(database_url), *arguments)


class TestMigrate:
    async def test_three_that_start_at_once_all_succeed_and_check_tells_before_and_after(
        self, empty_database: str
    ) -> None:
        before = await loctician(empty_database, "migrate", "--check")
        assert before.returncode == 1
        for schema in SCHEMAS:
            assert f"{schema}: {heads(schema)[0]} " in before.stdout
        replicas = await asyncio.gather(*(start(environment(empty_database), "migrate") for _ in range(3)))
        assert [done.returncode for done in replicas] == [0, 0, 0], [done.stdout + done.stderr for done in replicas]
        after = await loctician(empty_database, "migrate", "--check")
        assert (after.returncode, after.stdout.strip()) == (0, "Every schema is at its newest revision")
        connection = await asyncpg.connect(empty_database, timeout=10)
        for schema in SCHEMAS:
            rows = await connection.fetch(f"SELECT version_num FROM {schema}.alembic_version")
            assert [row[0] for row in rows] == heads(schema)
        await connection.close()

    async def test_down_takes_one_schema_to_a_revision_and_a_first_revision_only_to_base_by_name(
        self, empty_database: str
    ) -> None:
        await loctician(empty_database, "migrate")
        first = await loctician(empty_database, "migrate", "--down", "calendar", "--to", "0001_baseline")
        assert first.returncode == 0, first.stdout + first.stderr
        refused = await loctician(empty_database, "migrate", "--down", "calendar")
        assert (refused.returncode, "go down to base" in refused.stdout) == (2, True)
        unknown = await loctician(empty_database, "migrate", "--down", "nothing")
        assert unknown.returncode == 2
        nowhere = await loctician(empty_database, "migrate", "--down", "calendar", "--to", "0009_nothing")
        assert (nowhere.returncode, "Traceback" in nowhere.stdout + nowhere.stderr) == (2, False)
        done = await loctician(empty_database, "migrate", "--down", "calendar", "--to", "base")
        assert done.returncode == 0, done.stdout + done.stderr
        connection = await asyncpg.connect(empty_database, timeout=10)
        assert await connection.fetchval("SELECT to_regclass('calendar.appointments')") is None
        assert await connection.fetchval("SELECT to_regclass('gdpr.requests')") is not None
        await connection.close()

    async def test_a_database_of_a_development_version_is_refused_in_one_line(self, empty_database: str) -> None:
        await loctician(empty_database, "migrate")
        connection = await asyncpg.connect(empty_database, timeout=10)
        await connection.execute("UPDATE auth.alembic_version SET version_num = '0005'")
        await connection.close()
        for arguments in (["migrate"], ["migrate", "--check"]):
            done = await loctician(empty_database, *arguments)
            assert done.returncode == 2
            assert done.stdout.count("\n") == 1
            assert "start with an empty database" in done.stdout

    async def test_a_database_that_is_away_is_told_in_one_line(self) -> None:
        done = await loctician("postgresql://loctician@127.0.0.1:1/loctician", "migrate", "--check")
        assert done.returncode == 2
        assert done.stdout.startswith("Not migrated: ")
        assert "Traceback" not in done.stdout + done.stderr
