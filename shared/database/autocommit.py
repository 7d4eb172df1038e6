"""The autocommit pool, for the most frequent calls: one statement in one round trip, whose result is the response body.

The statement is a transaction of its own and sets the claims it needs, so nothing has to be reset on the connection.
Everything else uses `shared.database.session.transaction`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from shared.observability.metrics import Statements


class AutocommitPool:
    """Connections of asyncpg, opened when needed and then kept. Raises asyncpg's errors."""

    def __init__(self, service: str, url: str, size: int, wait_seconds: float, **options: Any) -> None:
        self._statements = Statements(service)
        self._url = url
        self._wait_seconds = wait_seconds
        self._options = options
        self._free = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self._closed = False

    async def rows(self, statement: str, *values: Any) -> Sequence[Any]:
        async with self._connection() as connection:
            with self._statements.measure(statement):
                return await connection.fetch(statement, *values)  # type: ignore[no-any-return]

    async def row(self, statement: str, *values: Any) -> Any:
        """The first row, or None."""
        async with self._connection() as connection:
            with self._statements.measure(statement):
                return await connection.fetchrow(statement, *values)

    async def value(self, statement: str, *values: Any) -> Any:
        """The first row's first value; None if it is NULL or there is no row."""
        row = await self.row(statement, *values)
        return None if row is None else row[0]

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with asyncio.timeout(self._wait_seconds):
            await self._free.acquire()
        try:
            connection = await self._open()
            usable = False
            try:
                yield connection
                usable = True
            except asyncpg.PostgresError:
                usable = True  # an error of the statement does not harm the connection
                raise
            finally:
                self._put_back(connection, usable=usable)
        finally:
            self._free.release()

    async def _open(self) -> Any:
        """The connection that was used last: its statements are prepared."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(self._url, max_cached_statement_lifetime=0, **self._options)

    def _put_back(self, connection: Any, *, usable: bool) -> None:
        """Closes the connection of a call that was cancelled or lost."""
        if usable and not self._closed:
            self._idle.append(connection)
        else:
            connection.terminate()
