"""The files in sql/ hold what the database holds: each function, view, trigger and policy once, and the same text."""

import importlib
import io
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import CheckConstraint, Connection, NullPool

from cli.services import SCHEMAS
from migrations.migrate import config_of, migrate, sql_folder
from migrations.sql_files import read_files
from shared.database.engine import engine_to
from shared.settings import Settings, plain_url
from tests.migrations.catalog import structure
from tests.migrations.statements import dangers, split, squawk

FUNCTION = re.compile(
    r"CREATE (?:OR REPLACE )?FUNCTION (?P<name>[\w.]+)\((?P<arguments>[^$]*?)\)\s+(?:RETURNS|LANGUAGE)[^$;]*?"
    r"(?:\bRETURN\b|(?P<tag>\$\w*\$)(?P<body>.*?)(?P=tag))",
    re.DOTALL,
)
VIEW = re.compile(r"CREATE (?:OR REPLACE )?VIEW (?P<name>[\w.]+)")
ON_TABLE = re.compile(r"CREATE (?:OR REPLACE )?(?P<kind>POLICY|TRIGGER) (?P<name>\w+)\s[^;]*?\bON (?P<table>[\w.]+)")
DEFINED = """
    SELECT 'function' AS kind, p.oid::regproc::text AS name, pg_get_functiondef(p.oid) AS text FROM pg_proc p
    WHERE p.pronamespace = $1::regnamespace AND p.prokind IN ('f', 'p')
    UNION ALL SELECT 'view', c.oid::regclass::text, '' FROM pg_class c
    WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'v'
    UNION ALL SELECT 'policy', schemaname || '.' || tablename || ' ' || policyname, '' FROM pg_policies
    WHERE schemaname = $1::text
    UNION ALL SELECT 'trigger', t.tgrelid::regclass::text || ' ' || t.tgname, '' FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = $1::regnamespace AND NOT c.relispartition AND NOT t.tgisinternal
"""
CHECKS = """
    SELECT c.relname AS name FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid
    WHERE con.contype = 'c' AND c.relnamespace = $1::regnamespace AND NOT c.relispartition
"""


@dataclass(frozen=True)
class Definition:
    kind: str
    name: str
    arguments: str = ""
    body: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name


def definitions(sql: str) -> Iterator[Definition]:
    for match in FUNCTION.finditer(sql):
        yield Definition("function", match["name"], " ".join(match["arguments"].split()), match["body"] or "")
    others = re.sub(r"--[^\n]*", "", FUNCTION.sub("", sql))
    for match in VIEW.finditer(others):
        yield Definition("view", match["name"])
    for match in ON_TABLE.finditer(others):
        yield Definition(match["kind"].lower(), f"{match['table']} {match['name']}")


def files_of(schema: str, tables: Collection[str] = ("outbox", "erased_subjects")) -> dict[str, list[Definition]]:
    files = read_files(schema, sql_folder(schema), tables if schema != "gateway" else ())
    return {file.name: list(definitions(file.sql)) for file in files}


def revision_sources(schema: str) -> str:
    folder = sql_folder(schema).parent / "migrations"
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".sql"))


def printed(schema: str, revision: str = "head") -> str:
    """What `alembic upgrade --sql` prints."""
    config = config_of(schema)
    config.output_buffer = io.StringIO()
    command.upgrade(config, revision, sql=True)
    return config.output_buffer.getvalue()


def parts_of(script: str) -> Iterator[str]:
    """What can be sent at once: each transaction, and each statement outside of them, as `psql` sends it."""
    for part in re.split(r"^(BEGIN;$.*?^COMMIT;$)", script, flags=re.DOTALL | re.MULTILINE):
        statements = [part] if part.startswith("BEGIN;") else part.split(";\n")
        yield from filter(str.strip, statements)


@pytest.mark.parametrize("schema", SCHEMAS)
class TestSqlFiles:
    async def test_define_everything_once_and_as_it_is_in_the_database(
        self, schema: str, settings: Settings, owner: Any
    ) -> None:
        await migrate(schema, settings)
        defined = [definition for definitions in files_of(schema).values() for definition in definitions]
        assert [
            item for item, count in Counter((*item.key, item.arguments) for item in defined).items() if count > 1
        ] == []
        rows: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in await owner.fetch(DEFINED, schema):
            rows[row["kind"], row["name"]].append(row["text"])
        counted = {key: len(texts) for key, texts in rows.items()}
        elsewhere = Counter(item.key for item in definitions(revision_sources(schema)))
        assert counted == Counter(item.key for item in defined) + elsewhere
        differing = [item.name for item in defined if not any(item.body in text for text in rows[item.key])]
        assert differing == []

    def test_define_nothing_that_a_revision_defines(self, schema: str) -> None:
        defined = {item.key for definitions in files_of(schema).values() for item in definitions}
        assert {item.key for item in definitions(revision_sources(schema))} & defined == set()

    def test_squawk_finds_nothing_in_them(self, schema: str) -> None:
        for file in read_files(schema, sql_folder(schema), {"outbox", "erased_subjects"}):
            statements = [statement for statement, _ in split(file.sql)]
            assert [finding for finding in squawk(statements) if finding] == [], file.name

    def test_each_function_has_a_comment_on_top(self, schema: str) -> None:
        for file in read_files(schema, sql_folder(schema), {"outbox", "erased_subjects"}):
            lines = ["", *file.sql.splitlines()]
            functions = [number for number, line in enumerate(lines) if re.match(r"CREATE .*FUNCTION", line)]
            assert [lines[number] for number in functions if not lines[number - 1].startswith("--")] == [], file.name


@pytest.mark.parametrize("schema", SCHEMAS)
class TestAlembic:
    async def test_autogenerate_finds_nothing_to_do(self, schema: str, settings: Settings) -> None:
        await migrate(schema, settings)
        engine = engine_to(plain_url(settings.database_url), connect={}, poolclass=NullPool)

        def check(connection: Connection) -> None:
            config = config_of(schema)
            config.attributes["connection"] = connection
            command.check(config)

        try:
            async with engine.connect() as connection:
                await connection.run_sync(check)
        except CommandError as error:
            pytest.fail(str(error))
        finally:
            await engine.dispose()

    async def test_what_offline_mode_prints_makes_the_same_schema(
        self, schema: str, settings: Settings, owner: Any
    ) -> None:
        await migrate(schema, settings)
        online = await structure(owner, schema)
        await owner.execute(f"DROP SCHEMA {schema} CASCADE")
        for part in parts_of(printed(schema)):
            await owner.execute(part)
        assert await structure(owner, schema) == online
        await migrate(schema, settings)
        assert await structure(owner, schema) == online, "and nothing is left to do"

    def test_no_revision_is_dangerous(self, schema: str) -> None:
        assert dangers([printed(schema)]) == []


class TestModels:
    # booking's are in its baseline only: with them its models.py would be longer than 300 lines
    @pytest.mark.parametrize("schema", [schema for schema in SCHEMAS if schema != "booking"])
    async def test_have_the_check_constraints_of_the_database(
        self, schema: str, settings: Settings, owner: Any
    ) -> None:
        """Autogenerate does not compare them."""
        await migrate(schema, settings)
        models = importlib.import_module("gateway.models" if schema == "gateway" else f"services.{schema}.models")
        declared = Counter(
            table.name
            for table in models.metadata.tables.values()
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint)
        )
        assert declared == Counter(row["name"] for row in await owner.fetch(CHECKS, schema))


class TestIni:
    def test_has_a_section_for_each_schema(self) -> None:
        ini = (Path(__file__).parents[2] / "alembic.ini").read_text()
        assert set(re.findall(r"^\[(\w+)\]", ini, re.MULTILINE)) == {"DEFAULT", *SCHEMAS}
