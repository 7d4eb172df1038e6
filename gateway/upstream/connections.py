"""One HTTP/1.1 connection to a service: httptools over an asyncio protocol, one request at a time."""

import asyncio
from collections import deque
from typing import cast

import httptools

from gateway.upstream.errors import BrokenError, SlowError, UpstreamError
from gateway.upstream.timers import Timer

HIGH_WATER_BYTES = 131_072  # of a body that is not read yet; above, no more is received
MAX_HEADER_BYTES = 65_536
FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Connection(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer = Timer(loop, self._on_deadline)
        self._write_paused = self._read_paused = False
        self.closed = False
        self.idle_since = 0.0
        self._busy = self._unusable = self._without_body = False

    # -- one request and its answer

    def begin(self, method: str) -> None:
        """Prepares for the answer to the next request."""
        if self._without_body:
            self._parser = httptools.HttpResponseParser(
                self
            )  # the old parser still expects a body, which the answer to HEAD has not
        self._without_body = method == "HEAD"
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.answered = self.complete = self.received = self.sending = False
        self._keep_alive = self._interim = False
        self._until_close = True  # until a header gives the length of the answer
        self._header_bytes = self._buffered = 0
        self._chunks: deque[bytes] = deque()
        self._error: UpstreamError | None = None
        self._busy = True

    def write(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - connected since connection_made
        self._transport.write(data)

    async def drain(self, seconds: float) -> None:
        """Waits until the service takes more of the body, or has answered. Raises UpstreamError."""
        while self._write_paused and not self.answered and self._error is None:
            await self._wait_for_change(seconds)
        if self._error is not None and not self.answered:
            raise self._error

    async def receive_head(self, seconds: float) -> None:
        """Waits for status and headers. Raises UpstreamError."""
        while not self.answered:
            if self._error is not None:
                raise self._error
            await self._wait_for_change(seconds)

    async def receive(self, seconds: float) -> bytes:
        """The part of the body that arrived since the last time; empty at its end. Raises UpstreamError."""
        while not self._chunks:
            if self.complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait_for_change(seconds)
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        self._resume_reading()
        return data

    def finish(self) -> bool:
        """Ends the call. Returns whether the connection can carry another call; closes it if not."""
        reusable = self.complete and self._keep_alive and not (self.closed or self._unusable or self.sending)
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

    async def _wait_for_change(self, seconds: float) -> None:
        self._waiter = self._loop.create_future()
        self._timer.start(seconds)
        try:
            await self._waiter
        finally:
            self._timer.pause()
            self._waiter = None

    def _on_deadline(self) -> None:
        self._fail(SlowError("no answer in time"))

    def _wake_waiter(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: UpstreamError) -> None:
        self._error = self._error or error
        self.abort()
        self._wake_waiter()

    def _resume_reading(self) -> None:
        if self._read_paused and self._transport is not None and not self.closed:
            self._read_paused = False
            self._transport.resume_reading()

    # -- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._busy or self.complete:
            self._unusable = True
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
        self._wake_waiter()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._wake_waiter()

    # -- called by the parser

    def on_message_begin(self) -> None:
        self._unusable = self._unusable or self.complete

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
        self._wake_waiter()

    def on_body(self, body: bytes) -> None:
        if self.complete:
            self._unusable = True
            return
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > HIGH_WATER_BYTES and not self._read_paused and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()
        self._wake_waiter()

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            return
        self.complete = True
        self._wake_waiter()
