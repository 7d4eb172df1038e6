"""Rows for any table: values that fit the columns' types, tried until the table's constraints take them."""

import itertools
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from tests.migrations.catalog import Column, Table, tables

TRIES = 400
ROWS = 3
LITERAL = re.compile(r"'([^']*)'")
NUMBER = re.compile(r"(?<![\w'.])\d+(?![\w'.])")
Values = dict[str, str | None]
Keys = Mapping[int, Sequence[Values]]


class CannotFillError(Exception):
    pass


async def fill(connection: Any, schema: str, seed: int) -> None:
    """Add rows to every table, tables that others refer to first. A table that has rows already may take no more."""
    chance = random.Random(f"{schema} {seed}")
    waiting = await tables(connection, schema)
    keys: dict[int, list[Values]] = {}
    while waiting:
        ready = [table for table in waiting if _referenced(table) <= keys.keys() | {table.oid}]
        if not ready:
            raise CannotFillError(f"{schema}: {[table.name for table in waiting]} refer to each other")
        for table in ready:
            await _add_rows(connection, schema, table, keys, chance)
            waiting.remove(table)


def _referenced(table: Table) -> set[int]:
    return {constraint.referenced for constraint in table.constraints if constraint.kind == "f"}


async def _add_rows(
    connection: Any, schema: str, table: Table, keys: dict[int, list[Values]], chance: random.Random
) -> None:
    name = f'"{schema}"."{table.name}"'
    reason = "no try"
    added = 0
    for attempt in range(TRIES):
        values = _values(table, keys, chance, full=attempt % 2 == 0)
        try:
            async with connection.transaction():
                await connection.execute(*_insert(name, table, values))
        except asyncpg.PostgresError as error:
            reason = str(error)
        else:
            added += 1
            if added == ROWS:
                break
    rows = await connection.fetch(f"SELECT {_as_texts(table)} FROM {name}")
    if not rows:
        raise CannotFillError(f"{name} takes no row: {reason}")
    keys[table.oid] = [dict(row) for row in rows]


def _as_texts(table: Table) -> str:
    return ", ".join(f'"{column.name}"::text' for column in table.columns)


def _insert(name: str, table: Table, values: Values) -> tuple[Any, ...]:
    types = {column.name: column.type for column in table.columns}
    columns = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"CAST(${place}::text AS {types[column]})" for place, column in enumerate(values, start=1))
    return f"INSERT INTO {name} ({columns}) VALUES ({places})", *values.values()


def _values(table: Table, keys: Keys, chance: random.Random, *, full: bool) -> Values:
    """Values for a row. Every second try leaves out most of the columns that may be null."""
    values: Values = {}
    for column in table.columns:
        if column.generated:
            continue
        left_out = column.nullable and chance.random() < (0.15 if full else 0.7)
        values[column.name] = None if left_out else chance.choice(_candidates(table, column, chance))
    for reference in table.constraints:
        if reference.kind == "f" and keys.get(reference.referenced):
            row = chance.choice(keys[reference.referenced])
            pairs = zip(reference.columns, reference.referenced_columns, strict=True)
            values.update({column: row[other] for column, other in pairs if values.get(column) is not None})
    return values


def _candidates(table: Table, column: Column, chance: random.Random) -> Sequence[str]:
    constraints = (constraint for constraint in table.constraints if constraint.kind == "c")
    checks = [constraint.definition for constraint in constraints if column.name in constraint.columns]
    literals = list(itertools.chain(*(LITERAL.findall(check) for check in checks)))
    numbers = list(itertools.chain(*(NUMBER.findall(check) for check in checks)))
    of_type = _of_type(column.type, chance)
    if column.type in ("smallint", "integer", "bigint"):
        return [*numbers, *of_type]
    return [*literals * 3, *of_type] if column.type == "text" else of_type


def _of_type(type_: str, chance: random.Random) -> Sequence[str]:
    if type_.endswith("[]"):
        return ["{%s}" % value.replace('"', "") for value in _of_type(type_.removesuffix("[]"), chance)]  # noqa: UP031
    day = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=chance.randrange(20))
    later = day + timedelta(minutes=30)
    number = str(chance.randrange(1, 1_000_000))
    values = {
        "uuid": [str(UUID(int=chance.getrandbits(128), version=4))],
        "boolean": ["true", "false"],
        "date": [f"{datetime.now(UTC):%Y-%m}-01", f"{day:%Y-%m-%d}"],
        "timestamp with time zone": [day.isoformat(), later.isoformat()],
        "time without time zone": ["09:00", "17:00"],
        "interval": ["1 hour"],
        "jsonb": ["{}", "[]", '{"da": {"name": "Retwist"}, "en": {"name": "Retwist"}}'],
        "tstzrange": [f"[{day.isoformat()},{later.isoformat()})"],
        "tstzmultirange": ["{}", f"{{[{day.isoformat()},{later.isoformat()})}}"],
        "bytea": [f"\\x{chance.getrandbits(8 * size):0{2 * size}x}" for size in (8, 16, 32)],
        "text": [f"text {number}", number, f"a{number}@example.com"],
        "inet": ["192.0.2.1"],
        "tsvector": ["retwist"],
        "double precision": ["1.5"],
    }
    if type_.startswith("numeric"):
        return [number]
    return values.get(type_, [number])
