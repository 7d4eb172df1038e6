"""Calls of SQL functions `booking.<name>(claims, request)`, both of them JSON. Most are a transaction of their own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import orjson
from asyncpg import PostgresError
from prometheus_client import Counter
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.booking.errors import CustomerOverlap, error_from
from services.booking.slots.errors import SlotTaken
from shared.backoff import Backoff
from shared.database.session import Database, transaction
from shared.http.idempotency import fingerprint
from shared.identity.principals import Principal, claims_of

Row = dict[str, Any]
Result = TypeVar("Result")

ATTEMPTS = 5
BACKOFF = Backoff(first=0.01, longest=0.08, spread=1.0)  # seconds
RETRIED = {"40001", "40P01"}  # serialization failure, deadlock
RETRIES = Counter("booking_transaction_retries_total", "Transactions tried again after a conflict", ["sqlstate"])


def function_call(name: str) -> str:
    """The statement that calls `booking.<name>(claims, request)`."""
    return f"SELECT CAST(booking.{name}(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS text)"


async def call(database: Database, principal: Principal, statement: str, request: Row) -> Row:
    """Changes something by one SQL function. Raises the error that the function names, see errors.error_from()."""
    claims = claims_of(principal).as_json()
    return await _change(database, principal, lambda: fetch_row(database, statement, claims, request))


async def call_in_transaction(
    database: Database, principal: Principal, change: Callable[[AsyncSession], Awaitable[Row]]
) -> Row:
    """Changes something by several statements, in a transaction as the caller. Raises as call() does.

    After a deadlock or a serialization failure `change` is called again, in a new transaction.
    """

    async def attempt() -> Row:
        try:
            async with transaction(database, claims_of(principal)) as session:
                return await change(session)
        except DBAPIError as error:
            cause = error.orig and error.orig.__cause__
            if isinstance(cause, PostgresError):
                raise cause from error
            raise

    return await _change(database, principal, lambda: _retry(attempt))


async def _change(database: Database, principal: Principal, change: Callable[[], Awaitable[Row]]) -> Row:
    try:
        with raising_problems():
            row = await change()
    except CustomerOverlap as error:
        if knows_customers(principal):
            raise
        raise SlotTaken from error
    database.notifier.poke()
    return row


def knows_customers(principal: Principal) -> bool:
    """Whether the caller may learn that the customer of a booking has another at some time: the salon's staff, and the
    customer, but no loctician, and nobody with the link of a mail, which is about one booking."""
    return principal.role != Role.LOCTICIAN and principal.limited_to is None


@contextmanager
def raising_problems() -> Iterator[None]:
    """Raises the error that a SQL function names, see errors.error_from(), in place of PostgreSQL's."""
    try:
        yield
    except PostgresError as error:
        problem = error_from(error)
        if problem is None:
            raise
        raise problem from error


async def fetch_rows(database: Database, statement: str, claims: str, request: Row) -> list[Row]:
    values = claims, orjson.dumps(request).decode()
    rows = await _retry(lambda: database.autocommit.rows(statement, *values))
    return [orjson.loads(row[0]) for row in rows]


async def fetch_row(database: Database, statement: str, claims: str, request: Row) -> Row:
    return (await fetch_rows(database, statement, claims, request))[0]


async def fetch_in_transaction(session: AsyncSession, statement: str, claims: str, request: Row) -> Row:
    """The one row of a call within a transaction that does more."""
    connection = await session.connection()
    result = await connection.exec_driver_sql(statement, (claims, orjson.dumps(request).decode()))
    row: Row = orjson.loads(result.scalar_one())
    return row


async def _retry(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Tries again after a deadlock or a serialization failure, up to ATTEMPTS times."""
    for failures in range(ATTEMPTS):
        try:
            return await attempt()
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
