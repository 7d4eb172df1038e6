"""The reverse proxy: a checked call goes to its service, and the answer comes back, both streamed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.types import Receive

from gateway import headers
from gateway.call import Call
from gateway.client import Request, SlowError, UnreachableError, Upstream, UpstreamError
from gateway.connection import Connection
from gateway.errors import BadRequest, SlowBody, UpstreamBroken, UpstreamSlow, UpstreamUnavailable
from gateway.metrics import UPSTREAM_ERRORS
from gateway.routes import Route
from gateway.server import cut
from gateway.settings import GatewaySettings
from shared.context import current
from shared.errors import ProblemError, TooLarge
from shared.log import logger

CLIENT_BODY_SECONDS = 20.0  # and as many more as the body takes at the slowest rate
SLOWEST_BODY = 16_384  # bytes a second
CLIENT_READ_SECONDS = 30.0
COOKIES_OF = "auth"  # the one service that sets and reads them
Admit = Callable[[Call], Awaitable[None]]  # raises ProblemError for who may not come in
log = logger(__name__)


class ClientGoneError(Exception):
    """The client went away before its call was complete."""


class Proxy:
    def __init__(self, settings: GatewaySettings, admit: Admit, upstreams: Mapping[str, Upstream]) -> None:
        self._admit = admit
        self._upstreams = upstreams
        self._max_body = settings.max_body_bytes
        self._host = urlsplit(settings.public_url).netloc.encode()

    async def forward(self, call: Call, route: Route) -> None:
        """Raises ProblemError; ClientGoneError when nobody is left to answer."""
        await self._admit(call)
        request = self._request(call, route)
        upstream = self._upstreams[route.service]
        try:
            connection = await upstream.request(request)
        except UpstreamError as error:
            raise _problem_of(error, route) from error
        try:
            await _relay(call, connection, route, upstream.idle_seconds)
        except UpstreamError as error:
            # The answer has begun: ending it short is the only way left to say that it is not whole.
            UPSTREAM_ERRORS.labels(route.service, "cut").inc()
            log.warning("answer_cut_short", service=route.service, error=str(error))
        finally:
            upstream.release(connection)

    def _request(self, call: Call, route: Route) -> Request:
        scope, incoming = call.scope, call.incoming
        query: bytes = scope["query_string"]
        target: bytes = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
        client = scope.get("client")
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
            own += [(b"cookie", value) for value in incoming.given.get(b"cookie", ())]
        request = Request(call.method, target, own + incoming.passed, route.timeout)
        length, request.chunked = framing(call, self._max_body)
        if length is not None:
            own_length = (b"content-length", str(length).encode())
            request.headers.append(own_length)
        if request.chunked:
            request.headers.append((b"transfer-encoding", b"chunked"))
        if length or request.chunked:
            request.body = read_body(call.receive, self._max_body)
        return request


def framing(call: Call, at_most: int) -> tuple[int | None, bool]:
    """The body's declared length, and whether it is chunked. Raises BadRequest, TooLarge."""
    lengths = call.incoming.given.get(b"content-length", [])
    encodings = call.incoming.given.get(b"transfer-encoding", [])
    if not lengths and not encodings:
        return None, False
    if len(lengths) + len(encodings) > 1:
        raise BadRequest
    if encodings:
        if encodings[0].strip().lower() != b"chunked":
            raise BadRequest
        return None, True
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


async def _relay(call: Call, connection: Connection, route: Route, idle_seconds: float) -> None:
    piece = await _first(connection, idle_seconds)
    cookies = route.service == COOKIES_OF
    await call.start(connection.status, headers.from_service(connection.status, connection.headers, cookies=cookies))
    if connection.complete:
        # Everything has arrived; what came while the first piece was being sent is at hand.
        await call.body(piece + await connection.chunk(idle_seconds))
    else:
        await _stream(call, connection, piece, idle_seconds)


async def _first(connection: Connection, idle_seconds: float) -> bytes:
    """The first piece, so that a service that breaks before it still gets a proper problem document."""
    try:
        return await connection.chunk(idle_seconds)
    except SlowError as error:
        raise UpstreamSlow from error
    except UpstreamError as error:
        raise UpstreamBroken from error


async def _stream(call: Call, connection: Connection, piece: bytes, idle_seconds: float) -> None:
    gone = asyncio.ensure_future(_until_gone(call.receive))
    try:
        while piece:
            await _send_on(call, piece)
            if gone.done():
                raise ClientGoneError
            piece = await connection.chunk(idle_seconds)
    finally:
        gone.cancel()
    await call.body(b"")


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
    log.warning("upstream_failed", service=route.service, error=f"{type(error).__name__}: {error}")
    if isinstance(error, UnreachableError):
        return UpstreamUnavailable()
    return UpstreamSlow() if isinstance(error, SlowError) else UpstreamBroken()
