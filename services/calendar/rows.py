"""Fetches rows as plain dictionaries, and writes the newest version of a projected row."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Executable, RowMapping, Table
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

MAX_ROWS = 1000
Row = Mapping[str, Any]
Rows = Sequence[Row]


async def fetch_all(session: AsyncSession, statement: Executable) -> Rows:
    return [_plain(row) for row in (await session.execute(statement)).mappings()]


async def fetch_first(session: AsyncSession, statement: Executable) -> Row | None:
    row = (await session.execute(statement)).mappings().first()
    return None if row is None else _plain(row)


def _plain(row: RowMapping) -> Row:
    return {str(name): value for name, value in row.items()}  # orjson refuses the subclass of str that names have


async def put_newest(
    session: AsyncSession, table: Table, key: Column[UUID], id_: UUID, values: Mapping[str, Any], version: int
) -> bool:
    """Writes a projection's row unless a newer version is stored. Returns whether it was written."""
    added = upsert(table).values({key.name: id_, **values, "version": version})
    newer = added.on_conflict_do_update(
        index_elements=[key], set_={**values, "version": version}, where=table.c.version < version
    )
    return (await session.execute(newer.returning(key))).first() is not None
