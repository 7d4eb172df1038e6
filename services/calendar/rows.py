from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

MOST = 1000
Row = Mapping[str, Any]
Rows = Sequence[Row]


async def rows(session: AsyncSession, statement: Executable) -> Rows:
    return [_row(row) for row in (await session.execute(statement)).mappings()]


async def first(session: AsyncSession, statement: Executable) -> Row | None:
    found = (await session.execute(statement)).mappings().first()
    return None if found is None else _row(found)


def _row(row: RowMapping) -> Row:
    return {str(name): value for name, value in row.items()}  # names of columns are a subclass that orjson refuses
