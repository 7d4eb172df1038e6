"""Each column with a range refuses one without bounds: what reads it would take a day that never ends."""

from typing import Any

import pytest

from cli.services import SCHEMAS
from migrations.migrate import migrate
from shared.settings import Settings

COLUMNS = """
    SELECT c.relname || '.' || a.attname AS name, a.attname AS column, t.typtype = 'm' AS multiple,
        format_type(a.atttypid, a.atttypmod) AS type, format_type(r.rngsubtype, NULL) AS bound,
        ARRAY(
            SELECT pg_get_expr(con.conbin, con.conrelid) FROM pg_constraint con
            WHERE con.conrelid = c.oid AND con.contype = 'c' AND con.convalidated AND con.conkey = ARRAY[a.attnum]
        ) AS checks
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_range r ON t.oid IN (r.rngtypid, r.rngmultitypid)
    WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
BOUNDS = {"timestamp with time zone": ("2027-01-04T09:00Z", "2027-01-04T10:00Z"), "date": ("2027-01-04", "2027-01-05")}
EXPECTED = {
    "booking": {
        "booking_items.blocked",
        "booking_items.during",
        "freed_times.times",
        "occupancy.blocked",
        "open_windows.windows",
    },
    "calendar": {"imports.busy"},
}


def unbounded(column: Any) -> list[str]:
    """Ranges without one or both bounds; of multiranges also the last of two. Of ranges also the empty one."""
    first, last = BOUNDS.get(column["bound"], ("1", "2"))
    ranges = ["(,)", f"(,{first})", f"[{last},)"]
    if not column["multiple"]:
        return ["empty", *ranges]
    return [f"{{{value}}}" for value in (*ranges, f"[{first},{last}),[{last},)", f"(,{first}),[{last},{last}]")]


async def takes(connection: Any, column: Any, value: str) -> bool:
    """Whether the checks of that column alone take the value."""
    holds = " AND ".join(f"({check}) IS NOT FALSE" for check in column["checks"]) or "true"
    statement = f'SELECT {holds} FROM (SELECT CAST($1::text AS {column["type"]}) AS "{column["column"]}") AS stored'
    return bool(await connection.fetchval(statement, value))


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_every_stored_range_has_bounds(schema: str, settings: Settings, owner: Any) -> None:
    await migrate(schema, settings)
    columns = await owner.fetch(COLUMNS, schema)
    assert {column["name"] for column in columns} >= EXPECTED.get(schema, set())
    taken = [
        f"{column['name']} takes {value}"
        for column in columns
        for value in unbounded(column)
        if await takes(owner, column, value)
    ]
    assert taken == []
    for column in columns:
        first, last = BOUNDS.get(column["bound"], ("1", "2"))
        value = f"[{first},{last})"
        assert await takes(owner, column, f"{{{value}}}" if column["multiple"] else value), column["name"]
