import asyncio
import random
from collections.abc import Sequence
from typing import Any

import orjson
from prometheus_client import Counter
from sqlalchemy import Executable, text
from sqlalchemy.exc import DBAPIError

from services.booking.errors import state_of
from shared.db import Database

Row = dict[str, Any]

ATTEMPTS = 5
LONGEST_PAUSE = 0.02  # seconds, before the second attempt; twice as long before each further one
PASSING = {"40001", "40P01"}  # serialization failure, deadlock
RETRIES = Counter("booking_transaction_retries_total", "Transactions begun again", ["sqlstate"])


def function(name: str) -> Executable:
    """A call of `booking.<name>(claims, request)`, which is a transaction of its own."""
    return text(f"SELECT CAST(booking.{name}(CAST(:claims AS jsonb), CAST(:request AS jsonb)) AS text)")


async def rows_of(database: Database, statement: Executable, claims: str, request: Row) -> list[Row]:
    params = {"claims": claims, "request": orjson.dumps(request).decode()}
    return [orjson.loads(row[0]) for row in await _retried(database, statement, params)]


async def row_of(database: Database, statement: Executable, claims: str, request: Row) -> Row:
    return (await rows_of(database, statement, claims, request))[0]


async def _retried(database: Database, statement: Executable, params: Row) -> Sequence[Any]:
    """Whoever loses a deadlock or meets a change in mid-flight begins again, a few times, at a moment of its own."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await database.call(statement, params)
        except DBAPIError as error:
            state = state_of(error)
            if state not in PASSING or attempt == ATTEMPTS:
                raise
        RETRIES.labels(state).inc()
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE * 2 ** (attempt - 1)))  # noqa: S311 - spreads load
    raise AssertionError  # the last attempt returns or raises
