"""The front door's HTTP server: uvicorn's, which waits for nobody without end, and does less for each call."""

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from starlette.types import Message, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.crowd import Crowd
from gateway.metrics import CONNECTIONS_ENDED
from gateway.upstream.timers import Timer

HEAD_SECONDS = 10.0
MAX_HEAD_BYTES = 65_536
LINGER_SECONDS = 2.0  # a client that has its answer may go on sending
TAKE_SECONDS = 30.0  # a client may take as long to take the end of its answer
TOO_SLOW, TOO_LARGE = (408, "Headers did not arrive in time."), (431, "Headers too large.")
FULL = (503, "Too many connections.")
UNREAD = frozenset({408, 413})  # said to a client whose body nobody reads on
JOIN = b": ".join
DISCONNECT: Message = {"type": "http.disconnect"}
crowd: "Crowd[FrontDoor]" = Crowd()  # the process's; its limits are set when the application is made


class Exchange(RequestResponseCycle):
    """One call and its answer. An answer that is complete goes out in one piece, head and body.

    Names of headers are expected in lower case, as ASGI asks for, and a length where it is known: what the framing is
    then, is decided here.
    """

    def __init__(self, scope: Scope, door: "FrontDoor", *, expects: bool, keep_alive: bool) -> None:
        self.scope = scope  # type: ignore[assignment]
        self.transport, self.flow, self.logger = door.transport, door.flow, door.logger
        self.default_headers = door.server_state.default_headers
        self._door = door
        self.keep_alive, self.waiting_for_100_continue = keep_alive, expects
        self.disconnected = self.response_started = self.response_complete = False
        self.body, self.more_body = bytearray(), True
        self._head: bytes | None = None
        self._chunked = self._news = False
        self._left = 0  # of the declared length
        self._waiter: asyncio.Future[None] | None = None

    @property
    def message_event(self) -> "Exchange":  # type: ignore[override]
        return self

    def set(self) -> None:
        """Something has come: what uvicorn's protocol says by `message_event`."""
        self._news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Message:  # type: ignore[override]
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            self.flow.resume_reading()
            while not self._news:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            self._news = False
        if self.disconnected or self.response_complete:
            return DISCONNECT
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Message) -> None:  # type: ignore[override]
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._head = self._begin(message["status"], message["headers"])
            self.response_started = True
        elif self.response_complete:
            raise RuntimeError("the answer was complete")
        else:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        if self.more_body and (self.waiting_for_100_continue or status in UNREAD):
            self.keep_alive = False  # what comes next may be the body, or another call
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE[status][:-2], *map(JOIN, self.default_headers), *map(JOIN, headers)]
        named = dict(headers)
        if b"close" in named.get(b"connection", b""):
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close")
        length = named.get(b"content-length")
        if length is not None:
            self._left = int(length)
        elif status not in (204, 304) and self.scope["method"] != "HEAD":
            self._chunked = True
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
            raise RuntimeError("a line break in a header")
        return head + b"\r\n\r\n"

    def _go_on(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head or b"", None
        if self.scope["method"] == "HEAD":
            self._left, content = 0, b""
        elif self._chunked:
            content = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if not more:
                content += b"0\r\n\r\n"
        else:
            self._left -= len(body)
            content = body
            if self._left < 0:
                raise RuntimeError("more of an answer than its Content-Length says")
        if head or content:
            self.transport.write(head + content)
        if not more:
            self._complete()

    def _complete(self) -> None:
        if self._left:
            raise RuntimeError("less of an answer than its Content-Length says")
        self.response_complete = True
        self.set()
        if not self.keep_alive:
            self._door.end(sending=self.more_body)
        self._door.on_response_complete()


class FrontDoor(HttpToolsProtocol):
    """Ends a connection whose request line and headers take too long, or too much room, to arrive: the application
    hears of a request only after them. Room is counted by what arrives, so an endless header is not gathered either.
    Ends one that is idle, too, and one whose client does not take the end of its answer.
    """

    _timer: Timer
    _in_head = _lingers = False
    _head_bytes = 0

    # -- a connection's life

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._timer = Timer(self.loop, self._time_is_up)
        # A proxy before the gateway stands for many clients; it limits them itself.
        address = self.client[0] if self.client and not crowd.many_behind(self.client[0]) else None
        self._begin_head()
        if not crowd.admit(self, address):
            CONNECTIONS_ENDED.labels("full").inc()
            self._refuse(*FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        crowd.leave(self)
        self._timer.stop()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        crowd.leave(self)
        self._timer.stop()
        super().handle_websocket_upgrade()

    def make_room(self) -> None:
        self.transport.abort()

    # -- a request's head

    def data_received(self, data: bytes) -> None:
        if self._lingers:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        # Still no end of the headers; a body that came along with them does not count.
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(*TOO_LARGE)

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        if not self._in_head:
            self._begin_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._timer.pause()
        version = self.parser.get_http_version()
        self.scope = scope = self._scope(self.parser.get_method().decode(), version)  # type: ignore[assignment]
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        crowd.busy(self)
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        before = self.cycle
        self.cycle = Exchange(scope, self, expects=self.expect_100_continue, keep_alive=keep_alive)
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _scope(self, method: str, version: str) -> Scope:
        if self.url[:1] == b"/":
            raw_path, _, query = self.url.partition(b"?")
        else:
            parsed = httptools.parse_url(self.url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        path = raw_path.decode("latin-1")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "headers": self.headers,
            "method": method,
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
        }

    # -- after an answer

    def end(self, *, sending: bool) -> None:
        """Close what carries no further call. Closed while the client still sends, the connection would be reset, and
        the answer lost with it: what comes is read, and dropped, for a while (RFC 9112, 9.6)."""
        if self.transport.is_closing():
            return
        if not sending or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._lingers = True
        self._timer.start(LINGER_SECONDS)
        self.transport.write_eof()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._timer.start(TAKE_SECONDS)
            return
        self.flow.resume_reading()
        if self._lingers:
            crowd.idle(self)
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        crowd.idle(self)
        if not self._in_head:
            self._timer.start(self.timeout_keep_alive)

    # -- what is waited for, and for how long

    def _begin_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._timer.start(HEAD_SECONDS)

    def _time_is_up(self) -> None:
        if self._in_head:
            CONNECTIONS_ENDED.labels("slow_head").inc()
            self._refuse(*TOO_SLOW)
        elif self.transport.get_write_buffer_size():
            CONNECTIONS_ENDED.labels("takes_nothing").inc()
            self.transport.abort()
        else:
            self.end(sending=self.cycle is not None and self.cycle.more_body and not self._lingers)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _refuse(self, status: int, reason: str) -> None:
        in_head, self._in_head = self._in_head, False
        self._timer.start(LINGER_SECONDS)
        if self.cycle is not None and not self.cycle.response_complete:
            if in_head or self.pipeline or self.cycle.response_started:
                self.transport.close()  # an answer to the call before may be half sent
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.is_closing():
            return
        body = reason.encode()
        head = b"content-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.flow.resume_reading()
        self.end(sending=status != FULL[0])


def cut(send: Send) -> None:
    """End a connection together with what is still to be sent over it, to a client that takes nothing. ASGI has no word
    for that; uvicorn's `send` is a method of an object that has the transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
