"""Helpers that the queries of all nouns share."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

Row = Mapping[str, Any]


async def fetch_all(session: AsyncSession, statement: Select[Any]) -> list[Row]:
    return [dict(row) for row in (await session.execute(statement)).mappings()]


async def fetch_first(session: AsyncSession, statement: Select[Any]) -> Row | None:
    rows = await fetch_all(session, statement)
    return rows[0] if rows else None


async def upsert_if_newer(
    session: AsyncSession, table: Table, key: str, values: dict[str, Any], column: ColumnElement[int], version: int
) -> bool:
    """Insert the row, or update it if its version in `column` is older. Returns whether it was written."""
    values = values | {str(column.key): version}
    changes = {name: value for name, value in values.items() if name != key}
    upsert = insert(table).values(values)
    upsert = upsert.on_conflict_do_update(index_elements=[key], set_=changes, where=column < version)
    return (await session.execute(upsert.returning(table.c[key]))).first() is not None
