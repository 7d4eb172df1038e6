"""uvicorn's HTTP and WebSocket protocols, and the little that is added to them (docs/adr/0080).

Of asyncio, httptools and uvicorn only methods and attributes without an underscore are used.
"""

import asyncio
from array import array
from collections import deque
from typing import Any

import httptools
from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from gateway.metrics import CONNECTIONS_ENDED, WEBSOCKETS_CLOSED

MAX_UNPARSED_BYTES = 65_536  # of headers, trailers or a chunk's head that do not end
MAX_PIPELINED = 100  # calls of one connection that wait for the answer before theirs
MAX_UNSENT_BYTES = 262_144  # that a WebSocket's client has not taken
FRAMES_PER_MINUTE = 120  # of a WebSocket's client, of any kind
TOO_MANY_FRAMES = 1008
LAST_CALL_SECONDS = 1.0  # for the first call of a connection, when the server ends
UNREADABLE = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 19\r\n"
    b"connection: close\r\n\r\nUnreadable upgrade."
)
NO_TRAILERS: Any = deque(maxlen=0)
OF_AN_UPGRADE = frozenset({b"upgrade", b"http2-settings"})


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, with what httptools and uvicorn lack for the Upgrade header (RFC 9110, 7.8).

    An upgrade to anything but WebSocket is ignored. One to WebSocket waits for the answers to the calls before it.
    Headers that do not end are refused, and trailers dropped: they must not become headers (RFC 9110, 6.5.1).
    """

    _upgrade_waits = False
    unparsed = 0  # bytes since the last that completed something

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = _Parser(self)

    def ignores_upgrade(self) -> bool:
        """Whether the upgrade that the headers just read ask for is one that the server does not do."""
        upgrades = [value.lower() for name, value in self.headers if name == b"upgrade"]
        connections = [name for name, _ in self.headers if name == b"connection"]
        return upgrades != [b"websocket"] or len(connections) > 1 or self.parser.get_http_version() != "1.1"

    # Called for each call, hence by the name of the class and not by super(), which is slower.
    def on_headers_complete(self) -> None:
        self.unparsed = 0
        if len(self.pipeline) >= MAX_PIPELINED:
            raise httptools.HttpParserError  # uvicorn answers 400 and closes the connection
        if not self.parser.should_upgrade():
            HttpToolsProtocol.on_headers_complete(self)
            self.headers = NO_TRAILERS
        elif self.parser.get_method() == b"CONNECT":
            raise httptools.HttpParserError
        elif not self.ignores_upgrade():  # else the parser begins again, without the upgrade
            HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        self.unparsed = 0
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        self.unparsed = 0
        if not self.parser.should_upgrade() or not self.ignores_upgrade():
            HttpToolsProtocol.on_message_complete(self)

    def handle_websocket_upgrade(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._upgrade_waits = True
            return
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment] # which refers to this object: free the memory of both

    def shutdown(self) -> None:
        """Called once when the server ends. Waits for the first call of a connection that was just opened."""
        if self.cycle is None:
            self.loop.call_later(LAST_CALL_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._upgrade_waits and self.cycle.response_complete and not self.transport.is_closing():
            if self.timeout_keep_alive_task is not None:
                self.timeout_keep_alive_task.cancel()
            self.handle_websocket_upgrade()


class _Parser(httptools.HttpRequestParser):
    """Reads on after an upgrade that is ignored; httptools reads no body after one, and no further call."""

    def __init__(self, protocol: HttpProtocol) -> None:
        super().__init__(protocol)
        self._protocol = protocol
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does

    def feed_data(self, data: "bytes | bytearray | memoryview[int] | array[int]") -> None:
        protocol = self._protocol
        protocol.unparsed += len(data)
        try:
            httptools.HttpRequestParser.feed_data(self, data)
        except httptools.HttpParserUpgrade as upgrade:
            if not protocol.ignores_upgrade():
                raise
            head = self._head_without_upgrade()
            protocol.parser = _Parser(protocol)
            protocol.parser.feed_data(head)
            protocol.parser.feed_data(bytes(data)[upgrade.args[0] :])
        if protocol.unparsed > MAX_UNPARSED_BYTES:
            raise httptools.HttpParserError

    def _head_without_upgrade(self) -> bytes:
        lines = [b"%b %b HTTP/%b" % (self.get_method(), self._protocol.url, self.get_http_version().encode())]
        for name, value in self._protocol.headers:
            if name == b"connection":
                options = [option.strip() for option in value.split(b",")]
                value = b", ".join(option for option in options if option.lower() not in OF_AN_UPGRADE)
            if name not in OF_AN_UPGRADE:
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join([*lines, b"", b""])


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's. Answers an upgrade that it cannot read, and ends a connection that floods it or takes nothing."""

    _minute = _frames = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None:
            if not self.transport.is_closing():
                self.transport.write(b"".join(self.conn.data_to_send()) or UNREADABLE)
                self.transport.close()
        elif self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            CONNECTIONS_ENDED.labels("takes_nothing").inc()
            self.transport.abort()

    def handle_text(self, event: Frame) -> None:
        if self._is_within_limit():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if self._is_within_limit():
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        if self._is_within_limit():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        if self._is_within_limit():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._is_within_limit():
            super().handle_pong(event)

    def _is_within_limit(self) -> bool:
        """Counts a frame. Closes the connection at the first that is too many."""
        minute = int(self.loop.time() // 60)
        self._frames = self._frames + 1 if minute == self._minute else 1
        self._minute = minute
        if self._frames <= FRAMES_PER_MINUTE:
            return True
        if not self.transport.is_closing():
            WEBSOCKETS_CLOSED.labels(str(TOO_MANY_FRAMES)).inc()
            self.conn.fail(TOO_MANY_FRAMES, "too many messages")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.close()
        return False


def cut(send: Send) -> None:
    """Ends a connection together with what is still to be sent over it, to a client that takes nothing. ASGI has no
    message for that; uvicorn's `send` is a method of an object that has the transport."""
    transport = _transport(send)
    if transport is not None:
        transport.abort()


def is_closing(send: Send) -> bool:
    """Whether the connection behind uvicorn's `send` has ended."""
    transport = _transport(send)
    return transport is None or transport.is_closing()


def has_unsent(send: Send) -> bool:
    """Whether the client has not taken all that was sent before, so that `send` may wait."""
    transport = _transport(send)
    return transport is None or transport.get_write_buffer_size() > 0


def _transport(send: Send) -> asyncio.Transport | None:
    return getattr(getattr(send, "__self__", None), "transport", None)
