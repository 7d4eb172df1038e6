"""The front door's HTTP server: uvicorn's, which waits for nobody's headers without end."""

import asyncio
from typing import Any

from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 10.0
MAX_HEAD_BYTES = 65_536
TOO_SLOW, TOO_LARGE = (408, "Headers did not arrive in time."), (431, "Headers too large.")


class FrontDoor(HttpToolsProtocol):
    """Ends a connection whose request line and headers take too long, or too much room, to arrive: the application
    hears of a request only after them. Room is counted by what arrives, so an endless header is not gathered either.

    What is idle between two calls is ended by uvicorn itself.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        # Still no end of the headers; a body that came along with them does not count.
        if self._head_timer is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(*TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, *TOO_SLOW)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, reason: str) -> None:
        self._head_arrived()
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # an answer to the call before may be half sent
        if self.transport.is_closing():
            return
        body = reason.encode()
        head = b"content-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


def cut(send: Send) -> None:
    """End a connection together with what is still to be sent over it, to a client that takes nothing. ASGI has no word
    for that; uvicorn's `send` is a method of an object that has the transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
