"""Commands: a change is one SQL function, and one call of it the whole transaction, so that it can be begun again."""

import asyncio
import hashlib
import random
from collections.abc import Sequence
from typing import Any

import orjson
from asyncpg import PostgresError
from prometheus_client import Counter
from pydantic import BaseModel

from services.booking.errors import refusal_of
from shared.database.session import Database
from shared.errors import StaleVersion
from shared.identity.principals import Principal, claims_of

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


LARGEST_VERSION = 2**31 - 1


async def run(database: Database, who: Principal, statement: str, request: Row) -> Row:
    """Raises the refusal that the database names."""
    try:
        done = await row_of(database, statement, claims_of(who).as_json(), request)
    except PostgresError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    database.notifier.poke()
    return done


def keyed(call: str, key: str | None, asked: BaseModel) -> dict[str, Any]:
    """What binds an Idempotency-Key to the call and its body; the caller is bound by the database."""
    body = call.encode() + b" " + asked.model_dump_json().encode()
    return {"key": key, "request_hash": hashlib.sha256(body).hexdigest()}


def expected(if_match: str | None) -> list[int] | None:
    """The versions that an If-Match admits (RFC 9110, 13.1.1); None admits any."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [one.strip() for one in if_match.split(",")]
    numbers = [
        int(one[1:-1]) for one in tags if one[:1] == one[-1:] == '"' and one[1:-1].isascii() and one[1:-1].isdigit()
    ]
    if not numbers:
        raise StaleVersion
    return [one for one in numbers if one <= LARGEST_VERSION]
