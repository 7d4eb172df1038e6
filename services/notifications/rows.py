"""What queries share."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

Row = Mapping[str, Any]


async def fetch_all(session: AsyncSession, statement: Select[Any]) -> list[Row]:
    return [dict(row) for row in (await session.execute(statement)).mappings()]


async def upsert_if_newer(
    session: AsyncSession, table: Table, key: str, values: dict[str, Any], column: ColumnElement[int], version: int
) -> bool:
    """Insert, or update what is older. Tells whether `values` were news."""
    values = values | {str(column.key): version}
    changed = {name: value for name, value in values.items() if name != key}
    put = insert(table).values(values)
    put = put.on_conflict_do_update(index_elements=[key], set_=changed, where=column < version)
    return (await session.execute(put.returning(table.c[key]))).first() is not None
