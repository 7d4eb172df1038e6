"""One HTTP call at the gateway: the request, the headers of every answer to it, and the ways to answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uuid_utils
from starlette.types import Receive, Scope, Send

from gateway.metrics import CONNECTIONS_ENDED
from gateway.protocols import cut, has_unsent
from gateway.proxy import compression, headers
from gateway.proxy.compression import Compressor
from gateway.proxy.concurrency import CallsAtOnce
from gateway.proxy.headers import CLOSE, CONTENT_POLICY, Headers, RequestHeaders
from shared.errors import MEDIA_TYPE, ProblemError, body_of, negotiate
from shared.http.middleware import REQUEST_ID

LINGER_SECONDS = 2.0  # a client that has its answer may go on sending
CLIENT_READ_SECONDS = 30.0  # a client may take no byte of its answer for this long


class ClientGoneError(Exception):
    """The client closed its connection before the call was complete, or does not take its answer."""


class Call:
    __slots__ = (
        *("body_arrives", "common", "has_body", "headers", "known_network", "method", "path", "receive"),
        *("request_id", "route", "scope", "send", "slow_bodies", "status"),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, slow_bodies: CallsAtOnce) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.slow_bodies = slow_bodies
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: RequestHeaders = headers.read(scope["headers"])
        request_id = self.headers.single(b"x-request-id")
        self.request_id = request_id if request_id and REQUEST_ID.fullmatch(request_id) else str(uuid_utils.uuid7())
        self.common: Headers = []  # of every answer
        self.route = "unmatched"  # for metrics: always one of a fixed set
        self.status = 0  # 0 until an answer has begun
        lengths = self.headers.values.get(b"content-length")
        self.has_body = lengths is not None or b"transfer-encoding" in self.headers.values
        self.body_arrives = self.has_body and lengths != [b"0"]  # it has not been read to its end
        self.known_network: bytes | None = None  # to be remembered if the call succeeds (limits)

    async def start(self, status: int, answer_headers: Headers) -> None:
        """Sends status and headers."""
        self.status = status
        own = [*answer_headers, *self.common, (b"x-request-id", self.request_id.encode())]
        if CONTENT_POLICY[0] not in [name for name, _ in answer_headers]:
            own.append(CONTENT_POLICY)  # an HTML page brings a policy of its own
        await self.send({"type": "http.response.start", "status": status, "headers": own})

    async def body(self, data: bytes, *, more: bool = False) -> None:
        """Sends a part of the body; with `more` false the last one."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def whole(self, status: int, answer_headers: Headers, body: bytes) -> None:
        """Sends a whole answer. Raises ClientGoneError."""
        if has_unsent(self.send):
            async with self.taking():
                await self.start(status, answer_headers)
                await self.body(body)
        else:  # nothing waits, and a timer costs as much as all this
            await self.start(status, answer_headers)
            await self.body(body)

    @asynccontextmanager
    async def taking(self) -> AsyncIterator[None]:
        """Disconnects a client that takes nothing of what is sent within. Raises ClientGoneError."""
        try:
            async with asyncio.timeout(CLIENT_READ_SECONDS):
                yield
        except TimeoutError as error:
            CONNECTIONS_ENDED.labels("takes_nothing").inc()
            cut(self.send)
            raise ClientGoneError from error

    async def answer(self, status: int, body: bytes, media_type: str, extra: Headers | None = None) -> None:
        """Sends a whole answer of the gateway's own. Closes the connection if the request's body is not read.

        Raises ClientGoneError.
        """
        own = [(b"content-type", media_type.encode()), *(extra or [])]
        if b"cache-control" not in [name for name, _ in own]:
            own.append((b"cache-control", b"no-store"))
        if compression.is_compressible(status, own, len(body)):
            own = compression.vary_by_encoding(own)
            if compression.accepts_gzip(self.headers):
                own, body = compression.gzip_headers(own), await Compressor().whole(body)
        if status != 204:
            own.append((b"content-length", str(len(body)).encode()))
        if not self.body_arrives:
            await self.whole(status, own, body)
            return
        async with self.taking():
            await self.start(status, own if CLOSE in self.common else [*own, CLOSE])
            await self.body(body, more=True)
        await self._drop_rest()
        await self.body(b"")

    async def _drop_rest(self) -> None:
        """Reads what the client still sends, for LINGER_SECONDS. Closed at once, the connection would be reset, and the
        answer lost with it (RFC 9112, 9.6)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while (await self.receive()).get("more_body"):
                    pass

    async def problem(self, error: ProblemError) -> None:
        """Sends a problem document (RFC 9457) in the caller's language."""
        languages = self.headers.single(b"accept-language")
        extra = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
        extra += [(b"content-language", negotiate(languages).encode()), (b"vary", b"Accept-Language")]
        instance = self.path.encode("utf-8", "replace").decode()
        await self.answer(error.status_code, body_of(error, languages, instance), MEDIA_TYPE, extra)
