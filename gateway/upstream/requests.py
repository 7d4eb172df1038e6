"""One request and its answer's headers over one connection."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.upstream.connections import BrokenError, Connection

JOIN = b": ".join
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Request:
    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    first_byte_seconds: float = 15.0  # until the answer's headers, from the end of the body
    body: AsyncIterator[bytes] | None = None
    chunked: bool = False
    idle_seconds: float = 30.0  # that the service may take nothing of the body
    connect_seconds: float = 2.0

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again where the first may have been acted on."""
        return self.body is None and self.method in REPEATABLE

    def head(self) -> bytes:
        first = b"%b %b HTTP/1.1" % (self.method.encode(), self.target)
        return b"\r\n".join([first, *map(JOIN, self.headers), b"", b""])


async def exchange(connection: Connection, request: Request) -> Connection:
    """Raises UpstreamError, or whatever reading the request's body raises; the connection is closed then."""
    done = False
    try:
        connection.begin(request.method)
        connection.write(request.head())
        if request.body is not None:
            await _send_body(connection, request.body, request)
        await connection.head(request.first_byte_seconds)
        done = True
    except BrokenError as error:
        error.answering = connection.received
        raise
    finally:
        if not done:
            connection.abort()
    return connection


async def _send_body(connection: Connection, body: AsyncIterator[bytes], request: Request) -> None:
    connection.sending = True
    async for piece in body:
        if connection.answered:
            return  # the service has said its word without reading on
        connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if request.chunked else piece)
        await connection.drained(request.idle_seconds)
    if request.chunked:
        connection.write(b"0\r\n\r\n")
    connection.sending = False


async def read(connection: Connection, seconds: float, at_most: int) -> bytes:
    """The whole body of a small answer. Raises UpstreamError."""
    body = bytearray()
    while piece := await connection.chunk(seconds):
        body += piece
        if len(body) > at_most:
            raise BrokenError("document too large")
    return bytes(body)
