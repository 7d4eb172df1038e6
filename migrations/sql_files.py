"""SQL files: the one current definition of each function, view, trigger and policy, applied after the revisions."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import Connection, bindparam, text

from shared.settings import runtime_role

SHARED = Path(__file__).parent / "sql"
NEEDED_TABLE = {"claims.sql": "outbox", "outbox.sql": "outbox", "erased_subjects.sql": "erased_subjects"}
TABLES = text("SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(:schema) AND relkind IN ('r', 'p')")
PREAMBLE = "SET LOCAL check_function_bodies = off"  # so that functions may call functions of later files
CREATE_RECORDS = """
    CREATE TABLE IF NOT EXISTS {schema}.sql_files (
        file text PRIMARY KEY,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )"""
RECORD = """
    INSERT INTO {schema}.sql_files (file, checksum) VALUES (:file, :checksum)
    ON CONFLICT (file) DO UPDATE SET checksum = excluded.checksum, applied_at = excluded.applied_at"""
# An undefined column, table, function, type, or a changed return type, view column: what an older schema answers.
DOES_NOT_FIT = ("42703", "42P01", "42883", "42704", "42P13", "42P16")


@dataclass(frozen=True)
class SqlFile:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_files(schema: str, folder: Path, tables: Collection[str]) -> list[SqlFile]:
    """What applies to a schema with these tables, in order: shared files first, then the folder's, each by name.

    Files name the service's role `loctician_<service>`; it becomes that of DATABASE_ROLE_PREFIX.
    """
    name, role = re.compile(rf"\bloctician_{schema}\b"), runtime_role(schema)
    own = [SqlFile(path.name, name.sub(role, path.read_text())) for path in sorted(folder.glob("*.sql"))]
    return shared_files(schema, tables) + own


def shared_files(schema: str, tables: Collection[str]) -> list[SqlFile]:
    paths = [path for path in sorted(SHARED.glob("*.sql")) if NEEDED_TABLE[path.name] in tables]
    return [SqlFile(f"shared/{path.name}", path.read_text().replace("{schema}", schema)) for path in paths]


def tables_of(connection: Connection, schema: str) -> set[str]:
    return set(connection.execute(TABLES, {"schema": schema}).scalars())


def differing(connection: Connection, schema: str, folder: Path) -> list[str]:
    """Names of the files that the database lacks, has in another version, or has although they are gone."""
    tables = tables_of(connection, schema)
    checksums = {file.name: file.checksum for file in read_files(schema, folder, tables)}
    recorded = _recorded(connection, schema, tables)
    return sorted({name for name, _ in checksums.items() ^ recorded.items()})


def apply_files(connection: Connection, schema: str, folder: Path, *, every: bool, strict: bool) -> None:
    """Apply the files that differ from what the database recorded, or every one, in the caller's transaction.

    With `strict=False`, for a schema that is not at its newest revision, a file that does not fit is left out.
    """
    tables = tables_of(connection, schema)
    files = read_files(schema, folder, tables)
    recorded = _recorded(connection, schema, tables)
    if not files and not recorded:
        return
    connection.execute(text(CREATE_RECORDS.format(schema=schema)))
    connection.execute(text(PREAMBLE))
    changed = [file for file in files if every or recorded.get(file.name) != file.checksum]
    left_out = {file.name for file in changed if not _apply(connection, file, strict=strict)}
    for file in changed:
        if file.name not in left_out:
            values = {"file": file.name, "checksum": file.checksum}
            connection.execute(text(RECORD.format(schema=schema)), values)
    if gone := (recorded.keys() - {file.name for file in files}) | left_out:
        forget = text(f"DELETE FROM {schema}.sql_files WHERE file IN :names")
        connection.execute(forget.bindparams(bindparam("names", expanding=True)), {"names": sorted(gone)})


def as_script(schema: str, folder: Path, tables: Collection[str]) -> str:
    """The same as a script, for offline mode: every file, and their checksums."""
    files = read_files(schema, folder, tables)
    rows = [f"    ('{file.name}', '{file.checksum}')" for file in files]
    if not files:
        return ""
    parts = [f"{PREAMBLE};", *(f"-- {file.name}\n{file.sql}" for file in files)]
    parts += [f"{CREATE_RECORDS.format(schema=schema)};", f"DELETE FROM {schema}.sql_files WHERE true;"]
    return "\n\n".join([*parts, f"INSERT INTO {schema}.sql_files (file, checksum) VALUES\n" + ",\n".join(rows) + ";"])


def drop_records(connection: Connection, schema: str) -> None:
    connection.execute(text(f"DROP TABLE IF EXISTS {schema}.sql_files"))


def run_script(connection: Connection, sql: str) -> None:
    """Run several statements at once in the current transaction; asyncpg prepares only single ones."""
    connection.exec_driver_sql("SELECT 1")  # begins the transaction, should nothing have done so yet
    adapted = connection.connection.dbapi_connection
    adapted.run_async(lambda raw: raw.execute(sql))  # type: ignore[union-attr]


def _recorded(connection: Connection, schema: str, tables: Collection[str]) -> dict[str, str]:
    if "sql_files" not in tables:
        return {}
    rows = connection.execute(text(f"SELECT file, checksum FROM {schema}.sql_files"))
    return {row.file: row.checksum for row in rows}


def _apply(connection: Connection, file: SqlFile, *, strict: bool) -> bool:
    try:
        with connection.begin_nested():
            run_script(connection, file.sql)
    except asyncpg.PostgresError as error:
        if not strict and error.sqlstate in DOES_NOT_FIT:
            return False
        error.add_note(f"in the SQL file {file.name}")
        raise
    return True
