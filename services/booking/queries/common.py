import asyncio
import random
from collections.abc import Sequence
from typing import Any

import orjson
from asyncpg import PostgresError
from prometheus_client import Counter

from shared.database.session import Database

Row = dict[str, Any]

ATTEMPTS = 5
LONGEST_PAUSE = 0.02  # seconds, before the second attempt; twice as long before each further one
PASSING = {"40001", "40P01"}  # serialization failure, deadlock
RETRIES = Counter("booking_transaction_retries_total", "Transactions begun again", ["sqlstate"])


def function(name: str) -> str:
    """A call of `booking.<name>(claims, request)`, which is a transaction of its own."""
    return f"SELECT CAST(booking.{name}(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS text)"


async def rows_of(database: Database, statement: str, claims: str, request: Row) -> list[Row]:
    rows = await _retried(database, statement, claims, orjson.dumps(request).decode())
    return [orjson.loads(row[0]) for row in rows]


async def row_of(database: Database, statement: str, claims: str, request: Row) -> Row:
    return (await rows_of(database, statement, claims, request))[0]


async def _retried(database: Database, statement: str, *values: str) -> Sequence[Any]:
    """Whoever loses a deadlock or meets a change in mid-flight begins again, a few times, at a moment of its own."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await database.autocommit.rows(statement, *values)
        except PostgresError as error:
            state = error.sqlstate
            if state not in PASSING or attempt == ATTEMPTS:
                raise
        RETRIES.labels(state).inc()
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE * 2 ** (attempt - 1)))  # noqa: S311 - spreads load
    raise AssertionError  # the last attempt returns or raises
