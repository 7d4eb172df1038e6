"""The reverse proxy: forwards an admitted call to its service and streams the answer back."""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.types import Receive

from gateway.errors import BadGateway, GatewayTimeout, ServiceUnavailable
from gateway.metrics import UPSTREAM_ERRORS
from gateway.proxy import compression, cookies, headers
from gateway.proxy.call import Call, ClientGoneError
from gateway.proxy.compression import Compressor
from gateway.proxy.request_body import GatheredBody
from gateway.proxy.routes import Route
from gateway.settings import GatewaySettings
from gateway.upstream.client import Upstream
from gateway.upstream.connections import Connection
from gateway.upstream.errors import SlowError, UnreachableError, UpstreamError
from gateway.upstream.requests import Request
from shared.errors import ProblemError
from shared.observability.context import current
from shared.observability.log import logger

log = logger(__name__)
Answer = tuple[int, headers.Headers, bytes]  # status, headers and body


class Deadline(NamedTuple):
    """The longest silence within an answer (seconds), and when it must be complete (seconds of time.monotonic)."""

    idle_seconds: float
    until: float

    def left(self) -> float:
        """Seconds to wait for the next part. Raises SlowError if the deadline has passed."""
        left = min(self.idle_seconds, self.until - time.monotonic())
        if left <= 0:
            raise SlowError("the whole answer took too long")
        return left


class Proxy:
    def __init__(self, settings: GatewaySettings, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams
        self._connect_seconds = settings.upstream_connect_seconds
        self._idle_seconds = settings.upstream_idle_seconds
        self._host = urlsplit(settings.public_url).netloc.encode()

    async def forward(self, call: Call, route: Route) -> None:
        """Raises ProblemError if there is no answer; ClientGoneError if the client closed its connection."""
        request = self._request(call, route)
        if not call.has_body:
            await self._exchange(call, route, request)
            return
        # A body that never comes must keep no connection to the service.
        with GatheredBody() as body:
            await body.gather(call, route.max_body)
            request.headers.append((b"content-length", b"%d" % body.length))
            request.content, request.body = body.content, body.pieces() if body.in_file else None
            await self._exchange(call, route, request)

    async def _exchange(self, call: Call, route: Route, request: Request) -> None:
        upstream = self._upstreams[route.service]
        until = time.monotonic() + route.total  # asking for the running loop's clock takes a system call
        try:
            connection = await upstream.request(request)
        except UpstreamError as error:
            raise _problem_of(error, route) from error
        whole: Answer | None = None
        try:
            whole = await _relay(call, connection, route, Deadline(request.idle_seconds, until))
        except UpstreamError as error:
            # Status and headers were sent already. The closed connection tells the client that the answer is not whole.
            UPSTREAM_ERRORS.labels(route.service, "cut").inc()
            log.warning("answer_cut_short", upstream=route.service, error=str(error))
        finally:
            upstream.release(connection)
        if whole is not None:  # after the release: the client may take its time
            await call.whole(*whole)

    def _request(self, call: Call, route: Route) -> Request:
        scope, values = call.scope, call.headers.values
        query: bytes = scope["query_string"]
        target: bytes = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
        client = scope["client"]
        own = [
            (b"host", self._host),
            (b"x-request-id", call.request_id.encode()),
            (b"x-forwarded-for", client[0].encode() if client else b"unknown"),
            (b"x-forwarded-proto", scope["scheme"].encode()),
        ]
        traceparent = current().traceparent
        if traceparent is not None:
            own.append((b"traceparent", traceparent.encode()))
        if b"cookie" in values:
            own += [(b"cookie", value) for value in cookies.readable_by(route.service, values[b"cookie"])]
        forwarded = call.headers.forwarded
        own += compression.original_etags(forwarded) if call.headers.conditional else forwarded
        # A HEAD gets the headers of the GET, also those of its compressed form. The server leaves the body out.
        method = "GET" if call.method == "HEAD" else call.method
        request = Request(method, target, own, route.first_byte)
        request.connect_seconds = self._connect_seconds if route.connect is None else route.connect
        request.idle_seconds = self._idle_seconds if route.idle is None else route.idle
        return request


async def _relay(call: Call, connection: Connection, route: Route, deadline: Deadline) -> Answer | None:
    """Sends the answer on as it comes. Returns one that has come whole; the caller sends it."""
    piece = await _first_piece(connection, deadline)
    status = connection.status
    answer = headers.from_service(status, connection.headers, cookies=cookies.settable_by(route.service))
    if connection.complete:
        piece += await connection.receive(0.0)  # parts that arrived while the first was read
    small = connection.complete and len(piece) < compression.MIN_BYTES
    compressor = None
    if status == 304:
        answer = compression.not_modified_headers(answer, call.headers)
    elif route.compressed and not small and compression.is_compressible(status, answer, len(piece)):
        answer = compression.vary_by_encoding(answer)
        compressor = Compressor() if compression.accepts_gzip(call.headers) else None
    if not connection.complete:
        async with call.taking():
            await call.start(status, compression.gzip_headers(answer) if compressor else answer)
        await _stream(call, connection, piece, compressor, deadline)
        return None
    if compressor:
        piece = await compressor.whole(piece)
        answer = compression.gzip_headers(answer, len(piece))
    return status, answer, piece


async def _first_piece(connection: Connection, deadline: Deadline) -> bytes:
    """The first piece of the body, before the headers go out: if the service fails until then, the client still gets a
    problem document."""
    try:
        return await connection.receive(deadline.left())
    except SlowError as error:
        raise GatewayTimeout from error
    except UpstreamError as error:
        raise BadGateway from error


async def _stream(
    call: Call, connection: Connection, piece: bytes, compressor: Compressor | None, deadline: Deadline
) -> None:
    disconnect = asyncio.ensure_future(_wait_for_disconnect(call.receive))
    try:
        while piece:
            await _send(call, await compressor.piece(piece) if compressor else piece)
            if disconnect.done():
                raise ClientGoneError
            piece = await connection.receive(deadline.left())
    finally:
        disconnect.cancel()
    await _send(call, compressor.end() if compressor else b"", more=False)


async def _send(call: Call, piece: bytes, *, more: bool = True) -> None:
    """Disconnects a client that takes nothing of its answer, since it occupies a connection to the service."""
    async with call.taking():
        await call.body(piece, more=more)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _problem_of(error: UpstreamError, route: Route) -> ProblemError:
    UPSTREAM_ERRORS.labels(route.service, type(error).__name__).inc()
    log.warning("upstream_failed", upstream=route.service, error=f"{type(error).__name__}: {error}")
    if isinstance(error, UnreachableError):
        return ServiceUnavailable(error.retry_after)
    return GatewayTimeout() if isinstance(error, SlowError) else BadGateway()
