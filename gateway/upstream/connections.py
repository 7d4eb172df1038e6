"""One HTTP/1.1 connection to a service: httptools over an asyncio protocol, one exchange at a time."""

import asyncio
from collections import deque
from typing import cast

import httptools

from gateway.upstream.timers import Timer

HIGH_WATER = 131_072
MAX_HEADER_BYTES = 65_536
FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class UpstreamError(Exception):
    """The service gave no usable answer."""


class UnreachableError(UpstreamError):
    """No connection could be made, or none came free in time: nothing was sent."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after  # seconds, where it is known


class BrokenError(UpstreamError):
    """The connection was lost, or what came over it was no valid HTTP."""

    answering = True  # whether something of an answer had come


class SlowError(UpstreamError):
    """The answer, or the next part of it, did not come in time."""


class Connection(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer = Timer(loop, self._time_is_up)
        self._write_paused = self._read_paused = False
        self.closed = False
        self.idle_since = 0.0
        self._busy = self._spoiled = self._without_body = False

    # -- one exchange

    def begin(self, method: str) -> None:
        if self._without_body:
            self._parser = httptools.HttpResponseParser(self)  # the old one still waits for a body that HEAD has not
        self._without_body = method == "HEAD"
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.answered = self.complete = self.received = self.sending = False
        self._keep_alive = self._interim = False
        self._until_close = True  # unless the answer says how long it is
        self._header_bytes = self._buffered = 0
        self._chunks: deque[bytes] = deque()
        self._error: UpstreamError | None = None
        self._busy = True

    def write(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - connected since connection_made
        self._transport.write(data)

    async def drained(self, seconds: float) -> None:
        """Wait while the service takes no more, unless it has answered already."""
        while self._write_paused and not self.answered and self._error is None:
            await self._changed(seconds)
        if self._error is not None and not self.answered:
            raise self._error

    async def head(self, seconds: float) -> None:
        """Wait for status and headers."""
        while not self.answered:
            if self._error is not None:
                raise self._error
            await self._changed(seconds)

    async def chunk(self, seconds: float) -> bytes:
        """What has come of the body since last time; empty at its end."""
        while not self._chunks:
            if self.complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._changed(seconds)
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        self._resume_reading()
        return data

    def finish(self) -> bool:
        """End the exchange; tells whether the connection can carry another, and closes it if not."""
        reusable = self.complete and self._keep_alive and not (self.closed or self._spoiled or self.sending)
        self._busy = False
        self.idle_since = self._loop.time()
        if not reusable:
            self.abort()
        return reusable

    def abort(self) -> None:
        self.closed = True
        self._timer.stop()
        if self._transport is not None:
            self._transport.abort()

    async def _changed(self, seconds: float) -> None:
        self._waiter = self._loop.create_future()
        self._timer.within(seconds)
        try:
            await self._waiter
        finally:
            self._timer.pause()
            self._waiter = None

    def _time_is_up(self) -> None:
        self._fail(SlowError("no answer in time"))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: UpstreamError) -> None:
        self._error = self._error or error
        self.abort()
        self._wake()

    def _resume_reading(self) -> None:
        if self._read_paused and self._transport is not None and not self.closed:
            self._read_paused = False
            self._transport.resume_reading()

    # -- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._busy or self.complete:
            self._spoiled = True
            self.abort()
            return
        self.received = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(BrokenError(f"no valid HTTP: {type(error).__name__}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._timer.stop()
        if self._busy and not self.complete:
            if self.answered and self._until_close and exc is None and self._error is None:
                self.complete = True
            elif self._error is None:
                self._error = BrokenError("connection lost")
        self._wake()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._wake()

    # -- what the parser calls

    def on_message_begin(self) -> None:
        self._spoiled = self._spoiled or self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise BrokenError("headers too large")
        if not self.complete:
            name = name.lower()
            self.headers.append((name, value))
            if name in FRAMING:
                self._until_close = False

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._interim = True
            self.headers, self._until_close = [], True
            return
        self.status, self.answered = status, True
        self._keep_alive = self._parser.should_keep_alive()
        self.complete = self._without_body
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self.complete:
            self._spoiled = True
            return
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > HIGH_WATER and not self._read_paused and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            return
        self.complete = True
        self._wake()
