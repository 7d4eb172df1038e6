"""The reverse proxy: a checked call goes to its service, and the answer comes back, both streamed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.types import Receive

from gateway.errors import BadRequest, SlowBody, UpstreamBroken, UpstreamSlow, UpstreamUnavailable
from gateway.metrics import UPSTREAM_ERRORS
from gateway.proxy import compression, headers
from gateway.proxy.call import Call
from gateway.proxy.compression import Compressor
from gateway.proxy.routes import Route
from gateway.server import cut
from gateway.settings import GatewaySettings
from gateway.upstream.client import Request, SlowError, UnreachableError, Upstream, UpstreamError
from gateway.upstream.connections import Connection
from shared.errors import ProblemError, TooLarge
from shared.observability.context import current
from shared.observability.log import logger

CLIENT_BODY_SECONDS = 20.0  # and as many more as the body takes at the slowest rate
SLOWEST_BODY = 16_384  # bytes a second
CLIENT_READ_SECONDS = 30.0
COOKIES_OF = "auth"  # the one service that sets and reads them
Admit = Callable[[Call], Awaitable[None]]  # raises ProblemError for who may not come in
log = logger(__name__)


class ClientGoneError(Exception):
    """The client went away before its call was complete."""


class Deadline(NamedTuple):
    """How long an answer may be silent, and until when (of the loop's clock) it has to be whole."""

    idle_seconds: float
    until: float

    def left(self) -> float:
        """Raises SlowError."""
        left = min(self.idle_seconds, self.until - asyncio.get_running_loop().time())
        if left <= 0:
            raise SlowError("the whole answer took too long")
        return left


class Proxy:
    def __init__(self, settings: GatewaySettings, admit: Admit, upstreams: Mapping[str, Upstream]) -> None:
        self._admit = admit
        self._upstreams = upstreams
        self._max_body = settings.max_body_bytes
        self._connect_seconds = settings.upstream_connect_seconds
        self._idle_seconds = settings.upstream_idle_seconds
        self._host = urlsplit(settings.public_url).netloc.encode()

    async def forward(self, call: Call, route: Route) -> None:
        """Raises ProblemError; ClientGoneError when nobody is left to answer."""
        await self._admit(call)
        request = self._request(call, route)
        upstream = self._upstreams[route.service]
        until = asyncio.get_running_loop().time() + route.total
        try:
            connection = await upstream.request(request)
        except UpstreamError as error:
            raise _problem_of(error, route) from error
        try:
            await _relay(call, connection, route, Deadline(request.idle_seconds, until))
        except UpstreamError as error:
            # The answer has begun: ending it short is the only way left to say that it is not whole.
            UPSTREAM_ERRORS.labels(route.service, "cut").inc()
            log.warning("answer_cut_short", upstream=route.service, error=str(error))
        finally:
            upstream.release(connection)

    def _request(self, call: Call, route: Route) -> Request:
        scope, given = call.scope, call.incoming.given
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
        if route.service == COOKIES_OF:
            own += [(b"cookie", value) for value in given.get(b"cookie", ())]
        own += compression.unmarked(call.incoming.passed) if call.incoming.conditional else call.incoming.passed
        request = Request(call.method, target, own, route.first_byte)
        request.connect_seconds = self._connect_seconds if route.connect is None else route.connect
        request.idle_seconds = self._idle_seconds if route.idle is None else route.idle
        if b"content-length" in given or b"transfer-encoding" in given:
            self._add_body(call, request)
        return request

    def _add_body(self, call: Call, request: Request) -> None:
        length, request.chunked = framing(call, self._max_body)
        if request.chunked:
            request.headers.append((b"transfer-encoding", b"chunked"))
        else:
            request.headers.append((b"content-length", b"%d" % length))
        if length or request.chunked:
            request.body = read_body(call.receive, self._max_body)


def framing(call: Call, at_most: int) -> tuple[int, bool]:
    """The body's declared length, or that it is chunked. Raises BadRequest, TooLarge."""
    lengths = call.incoming.given.get(b"content-length", [])
    encodings = call.incoming.given.get(b"transfer-encoding", [])
    if len(lengths) + len(encodings) > 1:
        raise BadRequest
    if encodings:
        if encodings[0].strip().lower() != b"chunked":
            raise BadRequest
        return 0, True
    if not lengths[0].isdigit() or len(lengths[0]) > 15:
        raise BadRequest
    length = int(lengths[0])
    if length > at_most:
        raise TooLarge(limit=at_most)
    return length, False


async def read_body(receive: Receive, at_most: int) -> AsyncIterator[bytes]:
    """The client's body as it comes. Raises TooLarge, SlowBody, ClientGoneError."""
    total, more = 0, True
    patience = asyncio.get_running_loop().time() + CLIENT_BODY_SECONDS
    while more:
        try:
            async with asyncio.timeout_at(patience + total / SLOWEST_BODY):
                message = await receive()
        except TimeoutError as error:
            raise SlowBody from error
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece, more = message.get("body", b""), message.get("more_body", False)
        total += len(piece)
        if total > at_most:
            raise TooLarge(limit=at_most)
        if piece:
            yield piece


async def _relay(call: Call, connection: Connection, route: Route, patience: Deadline) -> None:
    piece = await _first(connection, patience)
    status = connection.status
    answer = headers.from_service(status, connection.headers, cookies=route.service == COOKIES_OF)
    if connection.complete:
        # Everything has arrived; what came while the first piece was taken is at hand.
        piece += await connection.chunk(0.0)
    small = connection.complete and len(piece) < compression.SMALLEST
    compressor = None
    if status == 304:
        answer = compression.not_modified(answer, call.incoming)
    elif route.compressed and not small and call.method != "HEAD" and compression.fits(status, answer, len(piece)):
        answer = compression.varied(answer)
        compressor = compression.Compressor() if compression.accepts(call.incoming) else None
    if not connection.complete:
        await call.start(status, compression.encoded(answer) if compressor else answer)
        await _stream(call, connection, piece, compressor, patience)
        return
    if compressor:
        piece = await compressor.whole(piece)
        answer = compression.encoded(answer, len(piece))
    await call.start(status, answer)
    await call.body(piece)


async def _first(connection: Connection, patience: Deadline) -> bytes:
    """The first piece, so that a service that breaks before it still gets a proper problem document."""
    try:
        return await connection.chunk(patience.left())
    except SlowError as error:
        raise UpstreamSlow from error
    except UpstreamError as error:
        raise UpstreamBroken from error


async def _stream(
    call: Call, connection: Connection, piece: bytes, compressor: Compressor | None, patience: Deadline
) -> None:
    gone = asyncio.ensure_future(_until_gone(call.receive))
    try:
        while piece:
            await _send_on(call, await compressor.piece(piece) if compressor else piece)
            if gone.done():
                raise ClientGoneError
            piece = await connection.chunk(patience.left())
    finally:
        gone.cancel()
    await call.body(compressor.end() if compressor else b"")


async def _send_on(call: Call, piece: bytes) -> None:
    """A client that takes nothing may not keep a connection to the service for itself."""
    try:
        async with asyncio.timeout(CLIENT_READ_SECONDS):
            await call.body(piece, more=True)
    except TimeoutError as error:
        cut(call.send)
        raise ClientGoneError from error


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _problem_of(error: UpstreamError, route: Route) -> ProblemError:
    UPSTREAM_ERRORS.labels(route.service, type(error).__name__).inc()
    log.warning("upstream_failed", upstream=route.service, error=f"{type(error).__name__}: {error}")
    if isinstance(error, UnreachableError):
        return UpstreamUnavailable(error.retry_after)
    return UpstreamSlow() if isinstance(error, SlowError) else UpstreamBroken()
