"""The structure of a schema, and the rows of its tables."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]

TABLES = """
    SELECT c.oid, c.relname FROM pg_class c
    WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relname NOT IN ('alembic_version', 'sql_files') ORDER BY c.relname
"""
COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
        a.attidentity <> '' OR a.attgenerated <> '' AS generated
    FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
CONSTRAINTS = """
    SELECT contype::text AS kind, pg_get_constraintdef(con.oid) AS definition, confrelid AS referenced,
        (SELECT array_agg(attname::text ORDER BY place) FROM pg_attribute,
            unnest(conkey) WITH ORDINALITY AS k (attnum, place)
            WHERE attrelid = conrelid AND pg_attribute.attnum = k.attnum) AS columns,
        (SELECT array_agg(attname::text ORDER BY place) FROM pg_attribute,
            unnest(confkey) WITH ORDINALITY AS k (attnum, place)
            WHERE attrelid = confrelid AND pg_attribute.attnum = k.attnum) AS referenced_columns
    FROM pg_constraint con WHERE conrelid = $1
"""
OF_TABLES = """c.relnamespace = $1::regnamespace AND NOT c.relispartition
    AND c.relname NOT IN ('alembic_version', 'sql_files')"""
STRUCTURE = {
    "columns": f"""
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
            a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {OF_TABLES} AND c.relkind IN ('r', 'p', 'v', 'm')""",
    "tables": f"""
        SELECT c.relname, c.relkind::text, c.relpersistence::text, c.relrowsecurity, c.relforcerowsecurity, r::text
        FROM pg_class c LEFT JOIN unnest(c.relacl) AS r ON true
        WHERE {OF_TABLES} AND c.relkind IN ('r', 'p', 'v', 'm')""",
    "constraints": f"""
        SELECT c.relname, con.conname, con.convalidated, pg_get_constraintdef(con.oid)
        FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid WHERE {OF_TABLES}""",
    "indexes": f"""
        SELECT c.relname, i.indisvalid, pg_get_indexdef(i.indexrelid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE {OF_TABLES}""",
    "functions": """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p
        WHERE p.pronamespace = $1::regnamespace AND p.prokind IN ('f', 'p')""",
    "policies": """
        SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies
        WHERE schemaname = $1::text""",
    "triggers": f"""
        SELECT c.relname, pg_get_triggerdef(t.oid), t.tgenabled::text
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE {OF_TABLES} AND NOT t.tgisinternal""",
    "types": """
        SELECT t.typname, t.typtype::text FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.typnamespace = $1::regnamespace AND t.typtype <> 'b' AND (c.oid IS NULL OR c.relkind = 'c')""",
}


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool
    generated: bool  # by the database itself


@dataclass(frozen=True)
class Constraint:
    kind: str
    definition: str
    columns: Sequence[str]
    referenced: int
    referenced_columns: Sequence[str]


@dataclass
class Table:
    oid: int
    name: str
    columns: list[Column] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)


async def tables(connection: Any, schema: str) -> list[Table]:
    result = [Table(row["oid"], row["relname"]) for row in await connection.fetch(TABLES, schema)]
    for table in result:
        table.columns = [Column(*row) for row in await connection.fetch(COLUMNS, table.oid)]
        rows = await connection.fetch(CONSTRAINTS, table.oid)
        table.constraints = [
            Constraint(
                row["kind"], row["definition"], row["columns"] or (), row["referenced"], row["referenced_columns"] or ()
            )
            for row in rows
        ]
    return result


async def structure(connection: Any, schema: str) -> dict[str, list[str]]:
    """All in which two schemas can differ, grants included."""
    return {
        kind: sorted(str(tuple(row)) for row in await connection.fetch(sql, schema)) for kind, sql in STRUCTURE.items()
    }


async def contents(connection: Any, schema: str) -> Rows:
    rows_by_table: Rows = {}
    for table in await tables(connection, schema):
        rows = await connection.fetch(f'SELECT to_jsonb(t)::text FROM "{schema}"."{table.name}" t')
        rows_by_table[table.name] = [json.loads(row[0]) for row in rows]
    return rows_by_table


def missing_rows(before: Rows, after: Rows) -> list[str]:
    """Rows of `before` that are not in `after`, as far as both have the same tables and columns."""
    missing = []
    for table in before.keys() & after.keys():
        columns = _columns(before[table]) & (_columns(after[table]) or _columns(before[table]))
        kept = [_only(row, columns) for row in after[table]]
        missing += [f"{table}: {_only(row, columns)}" for row in before[table] if _only(row, columns) not in kept]
    return missing


def _columns(rows: list[Row]) -> set[str]:
    return set(rows[0]) if rows else set()


def _only(row: Row, columns: set[str]) -> Row:
    return {name: value for name, value in row.items() if name in columns}
