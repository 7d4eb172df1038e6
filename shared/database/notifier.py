"""Tells the relay that the outbox has rows: from a connection of its own, since NOTIFY inside a business
transaction makes all commits queue for one lock."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import asyncpg

DEBOUNCE = 0.001
GAP = 0.02  # seconds between two words under load: the first goes at once, the relay takes all that has come since
QUIET_SECONDS = 1.0
CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 10.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 3.0


def outbox_channel(schema: str) -> str:
    return f"{schema}_outbox"


class OutboxNotifier:
    def __init__(self, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._channel = outbox_channel(schema)
        self._poked = asyncio.Event()
        self._here: asyncio.Event | None = None
        self._poked_at = self._relayed_at = float("-inf")

    def poke(self) -> None:
        """Call after a commit that wrote to the outbox. A lost poke costs two seconds: the relay polls."""
        self._poked_at = time.monotonic()
        (self._here or self._poked).set()

    def relayed(self, since: float) -> None:
        """All has gone out that had been committed by then, in seconds of the monotonic clock."""
        self._relayed_at = since

    @property
    def quiet(self) -> bool:
        """Whether all that this process wrote to the outbox has gone out; where another relays, has had time to."""
        if self._here is not None and self._relayed_at >= self._poked_at:
            return True
        return time.monotonic() - self._poked_at > QUIET_SECONDS

    @contextmanager
    def relayed_here(self, woken: asyncio.Event) -> Iterator[None]:
        """While this process is the one that relays, it needs no word from the database to know."""
        self._here = woken
        try:
            yield
        finally:
            self._here = None

    async def run(self) -> None:
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._notify()
            await asyncio.sleep(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))  # noqa: S311 - spreads load

    async def _notify(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=CONNECT_TIMEOUT, command_timeout=COMMAND_TIMEOUT)
        try:
            while True:
                await self._poked.wait()
                await asyncio.sleep(DEBOUNCE)
                self._poked.clear()
                await connection.execute("SELECT pg_notify($1, '')", self._channel)
                await asyncio.sleep(GAP)
        finally:
            connection.terminate()
