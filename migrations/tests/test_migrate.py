"""Migrations beside the traffic they must not hold up, several at once, and against a schema that is newer."""

import asyncio
import io
import shutil
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from structlog.testing import capture_logs

from migrations import migrate as migrating
from migrations.migrate import LockWait, NotMigratedError, migrate, pending
from shared.settings import Settings
from shared.testing.servers import Servers, as_owner, settings_for, with_database
from shared.testing.waiting import until

SCHEMA = "trial"
REPOSITORY = Path(__file__).parents[2]
BRIEF = LockWait(lock_seconds=0.1, tries=100, pause=0.2)
ENV = "from sqlalchemy import MetaData\nfrom migrations.alembic_env import run\nrun('trial', MetaData())\n"
ENV_WITH_MODELS = """
from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text
from migrations.alembic_env import run
metadata = MetaData(schema="trial")
Table("things", metadata, Column("id", BigInteger, Identity(always=True), primary_key=True), Column("name", Text),
      Column("colour", Text))
run("trial", metadata)
"""
REVISION = '''
"""{title}"""
from alembic import op
from migrations.revisions import backfill, create_index, drop_index
revision, down_revision, branch_labels, depends_on = {revision!r}, {below!r}, None, None
def upgrade():
{up}
def downgrade():
{down}
'''
TABLE = 'op.execute("CREATE TABLE trial.things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)")'
COLUMN = 'op.execute("ALTER TABLE trial.things ADD COLUMN colour text")'
FILL = (
    "backfill(\"UPDATE trial.things SET colour = 'red' WHERE id IN"
    ' (SELECT id FROM trial.things WHERE colour IS NULL LIMIT 7)")'
)
Add = Callable[[str, str, str], None]
WriteSql = Callable[[str, str], None]


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Write the next revision of a schema `trial`."""
    versions = tmp_path / SCHEMA / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text(ENV)
    monkeypatch.setattr(migrating, "ROOT", tmp_path)

    def write(title: str, up: str, down: str) -> None:
        number = len(list(versions.iterdir())) + 1
        below = f"{number - 1:04}" if number > 1 else None
        up, down = textwrap.indent(up, "    "), textwrap.indent(down, "    ")
        content = REVISION.format(title=title, revision=f"{number:04}", below=below, up=up, down=down)
        (versions / f"{number:04}.py").write_text(content)

    return write


@pytest.fixture
def sql(add: Add, tmp_path: Path) -> WriteSql:
    """Write a file of SQL of the schema `trial`."""
    folder = tmp_path / SCHEMA / "sql"
    folder.mkdir()

    def write(name: str, text: str) -> None:
        (folder / name).write_text(text)

    return write


@pytest.fixture
async def settings(servers: Servers) -> AsyncIterator[Settings]:
    name = f"test_migrate_{uuid4().hex[:8]}"
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    yield settings_for(servers, with_database(servers.database_url, name))
    await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


async def opened(settings: Settings) -> asyncpg.Connection:
    return await asyncpg.connect(settings.database_url, timeout=10, command_timeout=30)


async def value(settings: Settings, query: str) -> Any:
    connection = await opened(settings)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


class TestUnderLoad:
    async def test_writers_go_on_while_a_migration_waits_for_its_lock_and_it_succeeds_when_the_lock_is_free(
        self, settings: Settings, add: Add
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        await migrate(SCHEMA, settings)
        add("Colour", COLUMN, 'op.execute("ALTER TABLE trial.things DROP COLUMN colour")')
        reader, writer = await opened(settings), await opened(settings)
        written = 0

        async def write() -> None:
            nonlocal written
            while True:
                await writer.execute("INSERT INTO trial.things (name) VALUES ('a')")
                written += 1

        with capture_logs() as logs:
            reading = reader.transaction()
            await reading.start()
            await reader.fetch("SELECT * FROM trial.things")  # holds off the migration until it ends, not the writer
            writes = asyncio.create_task(write())
            migration = asyncio.create_task(migrate(SCHEMA, settings, wait=BRIEF))
            await until(lambda: len(logs) >= 3)
            before = written
            await until(lambda: len(logs) >= 6 and written > before + 20)
            assert not migration.done()
            await reading.rollback()
            await asyncio.wait_for(migration, 15)
        writes.cancel()
        await asyncio.gather(writes, return_exceptions=True)
        assert {one["event"] for one in logs} == {"migration_waits"}
        assert await reader.fetchval("SELECT count(colour) FROM trial.things") == 0
        await asyncio.gather(reader.close(), writer.close())

    async def test_a_lock_that_is_never_free_ends_it_with_nothing_half_done(self, settings: Settings, add: Add) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        await migrate(SCHEMA, settings)
        add("Two steps", 'op.execute("CREATE TABLE trial.more (id bigint)")\n' + COLUMN, "pass")
        reader = await opened(settings)
        async with reader.transaction():
            await reader.fetch("SELECT * FROM trial.things")
            with pytest.raises(NotMigratedError, match="could not be had in 3 tries"):
                await migrate(SCHEMA, settings, wait=LockWait(0.05, 3, 0.05))
        assert await reader.fetchval("SELECT to_regclass('trial.more')") is None
        assert await pending(SCHEMA, settings) == ["0002 Two steps"]
        await reader.close()

    async def test_an_index_is_built_beside_open_writes_and_one_left_broken_is_built_anew(
        self, settings: Settings, add: Add
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        await migrate(SCHEMA, settings)
        add(
            "By name",
            'create_index("trial", "by_name", "things (name)", unique=True)',
            'drop_index("trial", "by_name")',
        )
        writer = await opened(settings)
        await writer.execute("INSERT INTO trial.things (name) VALUES ('a'), ('a')")
        with pytest.raises(Exception, match="could not create unique index"):
            await migrate(SCHEMA, settings, wait=BRIEF)
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'trial.by_name'::regclass"
        assert await writer.fetchval(valid) is False
        writing = writer.transaction()
        await writing.start()
        await writer.execute("DELETE FROM trial.things WHERE id = 2")
        migration = asyncio.create_task(migrate(SCHEMA, settings, wait=BRIEF))
        onlooker = await opened(settings)
        async with asyncio.timeout(15):
            while await onlooker.fetchval("SELECT to_regclass('trial.by_name')") is None:
                await asyncio.sleep(0.01)
        await onlooker.execute("INSERT INTO trial.things (name) VALUES ('b')")
        assert not migration.done(), "it waits for the writer who was there before"
        await writing.commit()
        await asyncio.wait_for(migration, 15)
        assert await writer.fetchval(valid) is True
        await migrate(SCHEMA, settings, "0001", down=True, wait=BRIEF)
        assert await writer.fetchval("SELECT to_regclass('trial.by_name')") is None
        await asyncio.gather(writer.close(), onlooker.close())

    async def test_rows_are_filled_a_few_at_a_time_until_none_is_left(self, settings: Settings, add: Add) -> None:
        add("Things", f"{TABLE}\n{COLUMN}", 'op.execute("DROP TABLE trial.things")')
        await migrate(SCHEMA, settings)
        add("Fill", FILL, "pass")
        connection = await opened(settings)
        await connection.execute("INSERT INTO trial.things (name) SELECT n::text FROM generate_series(1, 30) n")
        await migrate(SCHEMA, settings)
        counted = await connection.fetchrow("SELECT count(*), count(DISTINCT xmin::text) FROM trial.things")
        assert counted is not None
        assert tuple(counted) == (30, 5), "30 rows in five transactions"
        assert await connection.fetchval("SELECT count(*) FROM trial.things WHERE colour = 'red'") == 30
        await connection.close()


class TestTurns:
    async def test_several_at_once_do_the_work_once(self, settings: Settings, add: Add) -> None:
        add("Things", TABLE + '\nop.execute("SELECT pg_sleep(0.3)")', 'op.execute("DROP TABLE trial.things")')
        await asyncio.gather(*(migrate(SCHEMA, settings) for _ in range(5)))
        assert await pending(SCHEMA, settings) == []

    async def test_one_that_never_ends_is_not_waited_for_forever(self, settings: Settings, add: Add) -> None:
        add("Things", TABLE, "pass")
        other = await opened(settings)
        await other.execute("SELECT pg_advisory_lock(hashtext('loctician.migrate'))")
        with pytest.raises(NotMigratedError, match="does not end"):
            await migrate(SCHEMA, settings, wait=LockWait(turn_seconds=0.1))
        await other.close()


class TestSqlFiles:
    """Functions, views, triggers and policies, which have one current definition in `sql/`."""

    COLOUR = "CREATE OR REPLACE FUNCTION trial.colour() RETURNS text LANGUAGE sql AS $$ SELECT trial.%s() $$;"

    async def test_are_applied_after_the_revisions_and_need_no_order(
        self, settings: Settings, add: Add, sql: WriteSql
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        sql("a.sql", self.COLOUR % "red")
        sql("b.sql", "CREATE OR REPLACE FUNCTION trial.red() RETURNS text LANGUAGE sql AS $$ SELECT 'red' $$;")
        await migrate(SCHEMA, settings)
        assert await value(settings, "SELECT trial.colour()") == "red"

    async def test_only_a_file_that_changed_is_applied_again_and_check_names_it(
        self, settings: Settings, add: Add, sql: WriteSql
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        sql("a.sql", self.COLOUR % "red")
        sql("b.sql", "CREATE OR REPLACE FUNCTION trial.red() RETURNS text LANGUAGE sql AS $$ SELECT 'red' $$;")
        await migrate(SCHEMA, settings)
        sql("b.sql", "CREATE OR REPLACE FUNCTION trial.red() RETURNS text LANGUAGE sql AS $$ SELECT 'scarlet' $$;")
        assert await pending(SCHEMA, settings) == ["SQL file b.sql"]
        await migrate(SCHEMA, settings)
        assert await pending(SCHEMA, settings) == []
        assert await value(settings, "SELECT trial.colour()") == "scarlet"
        times = "SELECT count(DISTINCT applied_at) FROM trial.sql_files"
        assert await value(settings, times) == 2, "a.sql was left alone"

    async def test_a_revision_may_drop_what_they_define_and_a_file_that_fails_takes_the_revision_back(
        self, settings: Settings, add: Add, sql: WriteSql
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        sql("a.sql", "CREATE OR REPLACE VIEW trial.names AS SELECT name FROM trial.things;")
        await migrate(SCHEMA, settings)
        rename = 'op.execute("DROP VIEW trial.names; ")\nop.execute("ALTER TABLE trial.things RENAME name TO title")'
        add("Title", rename, 'op.execute("ALTER TABLE trial.things RENAME title TO name")')
        with pytest.raises(asyncpg.UndefinedColumnError):
            await migrate(SCHEMA, settings)
        assert await value(settings, "SELECT version_num FROM trial.alembic_version") == "0001"
        assert await value(settings, "SELECT count(name) FROM trial.names") == 0
        sql("a.sql", "CREATE OR REPLACE VIEW trial.names AS SELECT title AS name FROM trial.things;")
        await migrate(SCHEMA, settings)
        assert await value(settings, "SELECT count(name) FROM trial.names") == 0

    async def test_after_a_downgrade_they_are_applied_as_far_as_they_fit(
        self, settings: Settings, add: Add, sql: WriteSql
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        drop_view = 'op.execute("DROP VIEW trial.colours")\n'
        add("Colour", COLUMN, f'{drop_view}op.execute("ALTER TABLE trial.things DROP COLUMN colour")')
        sql("a.sql", self.COLOUR % "red")
        sql("b.sql", "CREATE OR REPLACE VIEW trial.colours AS SELECT colour FROM trial.things;")
        await migrate(SCHEMA, settings)
        await migrate(SCHEMA, settings, "0001", down=True)
        assert await value(settings, "SELECT to_regclass('trial.colours')") is None
        assert await value(settings, "SELECT to_regprocedure('trial.colour()')::text") == "trial.colour()"
        assert await pending(SCHEMA, settings) == ["0002 Colour", "SQL file b.sql"]
        await migrate(SCHEMA, settings)
        assert await value(settings, "SELECT count(colour) FROM trial.colours") == 0

    async def test_writers_go_on_while_a_policy_waits_for_its_lock_and_none_is_missing_meanwhile(
        self, settings: Settings, add: Add, sql: WriteSql
    ) -> None:
        policy = "DROP POLICY IF EXISTS seen ON trial.things;\nCREATE POLICY seen ON trial.things USING (%s);"
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        sql("a.sql", policy % "true")
        await migrate(SCHEMA, settings)
        sql("a.sql", policy % "id > 0")
        reader, writer = await opened(settings), await opened(settings)
        with capture_logs() as logs:
            reading = reader.transaction()
            await reading.start()
            await reader.fetch("SELECT * FROM trial.things")
            migration = asyncio.create_task(migrate(SCHEMA, settings, wait=BRIEF))
            await until(lambda: len(logs) >= 2)
            await writer.execute("INSERT INTO trial.things (name) VALUES ('a')")
            assert await writer.fetchval("SELECT qual FROM pg_policies WHERE schemaname = 'trial'") == "true"
            await reading.rollback()
            await asyncio.wait_for(migration, 15)
        assert {log["event"] for log in logs} == {"migration_waits"}
        assert await writer.fetchval("SELECT qual FROM pg_policies WHERE schemaname = 'trial'") == "(id > 0)"
        await asyncio.gather(reader.close(), writer.close())

    async def test_an_older_release_applies_its_own_files_again(
        self, settings: Settings, add: Add, sql: WriteSql
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        older = "CREATE OR REPLACE FUNCTION trial.colour() RETURNS text LANGUAGE sql AS $$ SELECT 'red' $$;"
        for text, colour in ((older, "red"), (older.replace("red", "blue"), "blue"), (older, "red")):
            sql("a.sql", text)
            await migrate(SCHEMA, settings)
            assert await value(settings, "SELECT trial.colour()") == colour


class TestAlembic:
    async def test_a_new_revision_is_numbered_and_holds_what_the_models_have_more(
        self, settings: Settings, add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        await migrate(SCHEMA, settings)
        migrations = tmp_path / SCHEMA / "migrations"
        shutil.copy(REPOSITORY / "migrations" / "script.py.mako", migrations)
        (migrations / "env.py").write_text(ENV_WITH_MODELS)
        for name in ("database_url", "amqp_url"):
            monkeypatch.setenv(name.upper(), getattr(settings, name))
        monkeypatch.setenv("SECRET_KEY", settings.root_key)
        config = migrating.config_of(SCHEMA)
        config.set_main_option("file_template", "%%(rev)s")
        await asyncio.to_thread(command.revision, config, "Colour of a thing", autogenerate=True)
        written = (migrations / "versions" / "0002_colour_of_a_thing.py").read_text()
        assert "op.add_column('things', sa.Column('colour'" in written
        assert "sql_files" not in written
        await migrate(SCHEMA, settings)
        assert await value(settings, "SELECT count(colour) FROM trial.things") == 0
        assert await pending(SCHEMA, settings) == []

    def test_offline_mode_prints_revisions_of_every_kind_and_the_files(self, add: Add, sql: WriteSql) -> None:
        add("Things", f"{TABLE}\n{COLUMN}", 'op.execute("DROP TABLE trial.things")')
        add("By name", 'create_index("trial", "by_name", "things (name)")', 'drop_index("trial", "by_name")')
        add("Fill", FILL, "pass")
        sql("a.sql", "CREATE OR REPLACE FUNCTION trial.red() RETURNS text LANGUAGE sql AS $$ SELECT 'red' $$;")
        config = migrating.config_of(SCHEMA)
        config.output_buffer = io.StringIO()
        command.upgrade(config, "head", sql=True)
        printed = config.output_buffer.getvalue()
        expected = (
            "CREATE SCHEMA",
            "CREATE TABLE trial.things",
            "CREATE INDEX CONCURRENTLY",
            "UPDATE trial.things",
            "FUNCTION trial.red",
            "INSERT INTO trial.sql_files",
            "COMMIT",
        )
        places = [printed.index(text) for text in expected[:-1]]
        assert places == sorted(places)
        assert printed.rstrip().endswith("COMMIT;")


class TestDevelopmentVersions:
    async def test_a_database_from_before_the_baseline_is_refused_with_what_to_do(
        self, settings: Settings, add: Add
    ) -> None:
        add("Things", TABLE, "pass")
        await migrate(SCHEMA, settings)
        await as_owner(settings.database_url, "UPDATE trial.alembic_version SET version_num = '0005'")
        for attempt in (migrate, pending):
            with pytest.raises(NotMigratedError, match="start with an empty database"):
                await attempt(SCHEMA, settings)


class TestPending:
    async def test_names_what_is_to_do_and_nothing_where_the_schema_is_newer(
        self, settings: Settings, add: Add
    ) -> None:
        add("Things", TABLE, 'op.execute("DROP TABLE trial.things")')
        add("Colour", COLUMN, 'op.execute("ALTER TABLE trial.things DROP COLUMN colour")')
        assert await pending(SCHEMA, settings) == ["0001 Things", "0002 Colour"]
        await migrate(SCHEMA, settings, "0001")
        assert await pending(SCHEMA, settings) == ["0002 Colour"]
        await migrate(SCHEMA, settings)
        assert await pending(SCHEMA, settings) == []
        await as_owner(settings.database_url, "UPDATE trial.alembic_version SET version_num = '0009'")
        assert await pending(SCHEMA, settings) == []
        await migrate(SCHEMA, settings)  # leaves it alone
        connection = await opened(settings)
        assert await connection.fetchval("SELECT version_num FROM trial.alembic_version") == "0009"
        await connection.close()
