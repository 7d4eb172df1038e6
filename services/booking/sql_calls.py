"""Calls of SQL functions that are a whole transaction: `booking.<name>(claims, request)`, both of them JSON."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from asyncpg import PostgresError
from prometheus_client import Counter
from pydantic import BaseModel

from services.booking.errors import error_from
from shared.backoff import Backoff
from shared.database.session import Database
from shared.http.idempotency import fingerprint
from shared.identity.principals import Principal, claims_of

Row = dict[str, Any]

ATTEMPTS = 5
BACKOFF = Backoff(first=0.01, longest=0.08, spread=1.0)  # seconds
RETRIED = {"40001", "40P01"}  # serialization failure, deadlock
RETRIES = Counter("booking_transaction_retries_total", "Transactions tried again after a conflict", ["sqlstate"])


def function_call(name: str) -> str:
    """The statement that calls `booking.<name>(claims, request)`."""
    return f"SELECT CAST(booking.{name}(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS text)"


async def call(database: Database, principal: Principal, statement: str, request: Row) -> Row:
    """Changes something by one SQL function. Raises the error that the function names, see errors.error_from()."""
    try:
        row = await fetch_row(database, statement, claims_of(principal).as_json(), request)
    except PostgresError as error:
        problem = error_from(error)
        if problem is None:
            raise
        raise problem from error
    database.notifier.poke()
    return row


async def fetch_rows(database: Database, statement: str, claims: str, request: Row) -> list[Row]:
    rows = await _retry(database, statement, claims, orjson.dumps(request).decode())
    return [orjson.loads(row[0]) for row in rows]


async def fetch_row(database: Database, statement: str, claims: str, request: Row) -> Row:
    return (await fetch_rows(database, statement, claims, request))[0]


async def _retry(database: Database, statement: str, *values: str) -> Sequence[Any]:
    """Tries again after a deadlock or a serialization failure, up to ATTEMPTS times."""
    for failures in range(ATTEMPTS):
        try:
            return await database.autocommit.rows(statement, *values)
        except PostgresError as error:
            state = error.sqlstate
            if state not in RETRIED or failures + 1 == ATTEMPTS:
                raise
        RETRIES.labels(state).inc()
        await asyncio.sleep(BACKOFF.pause(failures))
    raise AssertionError  # not reached: the last attempt returns or raises


def idempotency(operation: str, key: str | None, body: BaseModel) -> Row:
    """What the SQL functions need of an Idempotency-Key: it is bound to the operation, the body and the caller."""
    return {"key": key, "request_hash": request_hash(operation, body)}


def request_hash(operation: str, body: BaseModel) -> str:
    return fingerprint(operation, body.model_dump_json()).hex()
