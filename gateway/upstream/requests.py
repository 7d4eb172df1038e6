"""One HTTP/1.1 request and the headers of its answer, over one connection."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.upstream.connections import Connection
from gateway.upstream.errors import BrokenError

JOIN = b": ".join
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Request:
    """A request to a service. Times in seconds."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    first_byte_seconds: float = 15.0  # from the end of the body to the headers of the answer
    content: bytes | bytearray = b""  # a small body, sent together with the head
    body: AsyncIterator[bytes] | None = None  # a large one, instead
    idle_seconds: float = 30.0  # the service may take no byte of the body for this long
    connect_seconds: float = 2.0

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when the service may have acted on it (RFC 9110, 9.2.1: safe methods)."""
        return self.body is None and not self.content and self.method in SAFE_METHODS

    def head(self) -> bytes:
        """Request line and headers as they are sent."""
        first = b"%b %b HTTP/1.1" % (self.method.encode(), self.target)
        return b"\r\n".join([first, *map(JOIN, self.headers), b"", b""])


async def exchange(connection: Connection, request: Request) -> Connection:
    """Sends the request and waits for the headers of the answer. On an error the connection is closed.

    Raises UpstreamError, and what reading the request's body raises.
    """
    done = False
    try:
        connection.begin(request.method)
        connection.write(request.head() + request.content)
        if request.body is not None:
            await _send_body(connection, request.body, request)
        await connection.receive_head(request.first_byte_seconds)
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
            return  # the service answered without reading the rest
        connection.write(piece)
        await connection.drain(request.idle_seconds)
    connection.sending = False


async def read_body(connection: Connection, seconds: float, at_most: int) -> bytes:
    """The whole body of a small answer: at most `at_most` bytes, `seconds` between two pieces. Raises UpstreamError."""
    body = bytearray()
    while piece := await connection.receive(seconds):
        body += piece
        if len(body) > at_most:
            raise BrokenError("document too large")
    return bytes(body)
