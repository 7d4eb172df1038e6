"""Notifies the relay of new rows in the outbox, on a connection of its own: NOTIFY inside the transactions would make
all commits wait for one lock."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import asyncpg

from shared.backoff import jitter

DEBOUNCE = 0.001  # seconds
GAP = 0.02  # seconds between two notifications under load: the relay then reads all rows at once
QUIET_SECONDS = 1.0
CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 10.0
RECONNECT_SECONDS = 1.75


def outbox_channel(schema: str) -> str:
    return f"{schema}_outbox"


class OutboxNotifier:
    def __init__(self, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._channel = outbox_channel(schema)
        self._poked = asyncio.Event()
        self._local: asyncio.Event | None = None
        self._poked_at = self._relayed_at = float("-inf")

    def poke(self) -> None:
        """Call it after a commit that wrote to the outbox. A lost poke costs two seconds, because the relay polls."""
        self._poked_at = time.monotonic()
        (self._local or self._poked).set()

    def mark_relayed(self, since: float) -> None:
        """All rows that were committed before `since`, in seconds of the monotonic clock, have been published."""
        self._relayed_at = since

    @property
    def quiet(self) -> bool:
        """Whether this process's rows have been published, or, if another process relays, have had the time to be."""
        if self._local is not None and self._relayed_at >= self._poked_at:
            return True
        return time.monotonic() - self._poked_at > QUIET_SECONDS

    @contextmanager
    def relaying_here(self, woken: asyncio.Event) -> Iterator[None]:
        """While this process is the relay, pokes set `woken` directly instead of going through the database."""
        self._local = woken
        try:
            yield
        finally:
            self._local = None

    async def run(self) -> None:
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._notify()
            await asyncio.sleep(jitter(RECONNECT_SECONDS, spread=0.7))

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
