"""A lean pooled HTTP/1.1 client: keep-alive connections to one service, bodies streamed both ways."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.connection import BrokenError, Connection, SlowError, UnreachableError, UpstreamError

IDLE_SECONDS = 4.0  # uvicorn closes after five; a call must not meet a connection that is being closed
MAX_WAITING = 2_000
Headers = Sequence[tuple[bytes, bytes]]
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Request:
    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    timeout: float = 15.0  # seconds until the answer's headers, from the end of the body
    body: AsyncIterator[bytes] | None = None
    chunked: bool = False

    def head(self) -> bytes:
        parts = [self.method.encode(), b" ", self.target, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"\r\n")
        return b"".join(parts)


class Upstream:
    """At most `limit` connections to one address; who comes later waits, for `connect_seconds` at most."""

    def __init__(self, url: str, *, limit: int = 100, connect_seconds: float = 2.0, idle_seconds: float = 30.0) -> None:
        parts = urlsplit(url)
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._ssl else 80)
        self._connect_seconds = connect_seconds
        self.idle_seconds = idle_seconds
        self._slots = asyncio.Semaphore(limit)
        self._waiting = 0
        self._idle: list[Connection] = []
        self.opened = 0

    async def request(self, request: Request) -> Connection:
        """Send it and wait for the answer's headers; the caller reads the body and calls `release`.

        Raises UpstreamError, or whatever reading the request's body raises.
        """
        await self._turn()
        connection = self._reused()
        handed_over = False
        try:
            if connection is not None:
                try:
                    await self._exchange(connection, request)
                except BrokenError:
                    if connection.received or request.body is not None or request.method not in REPEATABLE:
                        raise
                    connection = None
            if connection is None:
                connection = await self._connect()
                await self._exchange(connection, request)
            handed_over = True
            return connection
        finally:
            if not handed_over:
                if connection is not None:
                    connection.abort()
                self._slots.release()

    def release(self, connection: Connection) -> None:
        if connection.finish():
            self._idle.append(connection)
        self._slots.release()

    async def fetch(self, path: str, *, seconds: float, at_most: int, headers: Headers = ()) -> tuple[int, bytes]:
        """GET a small document as the gateway itself. Raises UpstreamError."""
        own = [(b"host", f"{self._host}:{self._port}".encode()), (b"accept", b"application/json")]
        try:
            async with asyncio.timeout(seconds):
                connection = await self.request(Request("GET", path.encode(), [*own, *headers], seconds))
                try:
                    return connection.status, await self._read(connection, at_most)
                finally:
                    self.release(connection)
        except TimeoutError as error:
            raise SlowError("no answer in time") from error

    async def _read(self, connection: Connection, at_most: int) -> bytes:
        body = bytearray()
        while piece := await connection.chunk(self.idle_seconds):
            body += piece
            if len(body) > at_most:
                raise BrokenError("document too large")
        return bytes(body)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().abort()

    async def _turn(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        if self._waiting >= MAX_WAITING:
            raise UnreachableError("too many are waiting")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self._slots.acquire()
        except TimeoutError as error:
            raise UnreachableError("no connection came free") from error
        finally:
            self._waiting -= 1

    def _reused(self) -> Connection | None:
        newest_allowed = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and connection.idle_since > newest_allowed:
                return connection
            connection.abort()
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop), self._host, self._port, ssl=self._ssl
                )
        except OSError as error:  # TimeoutError is one
            raise UnreachableError(type(error).__name__) from error
        self.opened += 1
        return connection

    async def _exchange(self, connection: Connection, request: Request) -> None:
        connection.begin(request.method)
        connection.write(request.head())
        if request.body is not None:
            await self._send_body(connection, request.body, request.chunked)
        await connection.head(request.timeout)

    async def _send_body(self, connection: Connection, body: AsyncIterator[bytes], chunked: bool) -> None:
        connection.sending = True
        async for piece in body:
            if connection.answered:
                return  # the service has said its word without reading on
            connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await connection.drained(self.idle_seconds)
        if chunked:
            connection.write(b"0\r\n\r\n")
        connection.sending = False


__all__ = ["BrokenError", "Connection", "Request", "SlowError", "UnreachableError", "Upstream", "UpstreamError"]
