"""A tap between a service and PostgreSQL: what the service sends for one call can be sent again without the service.

So "bare SQL" is by construction the very statement with the very parameters, whatever the service's code becomes.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncpg

SSL_REQUEST = 80877103
PARSE, BIND, SIMPLE, READY, FAILED = b"P", b"B", b"Q", b"Z", b"E"
SECONDS = 30.0
Message = tuple[bytes, bytes]  # type and the whole of it


def messages(content: bytes) -> Iterator[Message]:
    """The complete messages of the frontend/backend protocol in a stream (without its untyped beginning)."""
    place = 0
    while place + 5 <= len(content):
        end = place + 1 + struct.unpack_from("!I", content, place + 1)[0]
        if end > len(content):
            return
        yield content[place : place + 1], content[place:end]
        place = end


def typed(content: bytes) -> bytes:
    """What a client sends after the messages that have no type: SSLRequest and StartupMessage."""
    place = 0
    while len(content) - place >= 8:
        length, code = struct.unpack_from("!II", content, place)
        place += length
        if code != SSL_REQUEST:
            break
    return content[place:]


@dataclass
class Wire:
    """One connection through the tap."""

    server: asyncio.StreamWriter
    sent: bytearray = field(default_factory=bytearray)
    taken: bytearray | None = None  # what the server says while it is us who ask
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def statements(self) -> dict[bytes, bytes]:
        """Parse messages by the name of their prepared statement."""
        return {_name(body, 5): body for kind, body in messages(typed(bytes(self.sent))) if kind == PARSE}

    async def ask(self, content: bytes, replies: int) -> None:
        """Returns when the server is ready again as often as it was asked. Raises RuntimeError on an error."""
        self.taken = bytearray()
        self.server.write(content)
        ready = 0
        async with asyncio.timeout(SECONDS):
            while ready < replies:
                self.news.clear()
                await self.news.wait()
                kinds = [kind for kind, _ in messages(bytes(self.taken))]
                if FAILED in kinds:
                    raise RuntimeError(f"the statement failed when sent again: {bytes(self.taken)!r:.500}")
                ready = kinds.count(READY)
        self.taken = None


def _name(message: bytes, begin: int) -> bytes:
    return message[begin : message.index(b"\0", begin)]


def _statement_of(bind: bytes) -> bytes:
    portal_end = bind.index(b"\0", 5)
    return _name(bind, portal_end + 1)


@dataclass(frozen=True)
class Call:
    """What one call of the service sent: statements to prepare first, then this, which the server answers so often."""

    prepare: tuple[bytes, ...]
    content: bytes
    replies: int


class Tap:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._url = parts
        self.wires: list[Wire] = []
        self.port = 0

    @property
    def url(self) -> str:
        login = self._url.netloc.rpartition("@")[0]
        return self._url._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Tap"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for wire in self.wires:
                wire.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._to)
        wire = Wire(to_server)
        self.wires.append(wire)
        with suppress(ConnectionError):
            await asyncio.gather(_up(reader, wire), _down(from_server, writer, wire))

    def mark(self) -> list[int]:
        return [len(wire.sent) for wire in self.wires]

    def since(self, mark: list[int]) -> Call:
        """What was sent since the mark on the connection that sent most; the pool's own heartbeat is left out."""
        pieces = [(wire, bytes(wire.sent[begin:])) for wire, begin in zip(self.wires, mark, strict=True)]
        wire, content = max(pieces, key=lambda piece: len(piece[1]))
        parsed = list(messages(content))
        known = wire.statements()
        names = {_statement_of(body) for kind, body in parsed if kind == BIND}
        names -= {_name(body, 5) for kind, body in parsed if kind == PARSE}
        replies = sum(kind in (b"S", SIMPLE) for kind, _ in parsed)
        if not names or not replies:
            raise RuntimeError("the service sent no statement for this call")
        return Call(tuple(known[name] for name in sorted(names)), content, replies)

    @asynccontextmanager
    async def session(self, **settings: str) -> AsyncIterator["Session"]:
        """A connection of our own through the tap, logged in by the driver and then used below it."""
        connection: Any = await asyncpg.connect(self.url, timeout=10, server_settings=settings)
        try:
            yield Session(self.wires[-1])
        finally:
            connection.terminate()


class Session:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._prepared: set[bytes] = set()

    async def send(self, call: Call) -> None:
        for statement in call.prepare:
            if statement not in self._prepared:
                await self._wire.ask(statement + b"S\0\0\0\x04", 1)
                self._prepared.add(statement)
        await self._wire.ask(call.content, call.replies)


async def _up(reader: asyncio.StreamReader, wire: Wire) -> None:
    while content := await reader.read(65_536):
        if wire.server.is_closing():
            return
        wire.sent += content
        wire.server.write(content)
    wire.server.close()


async def _down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: Wire) -> None:
    while content := await reader.read(1 << 20):
        if wire.taken is None:
            writer.write(content)
        else:
            wire.taken += content
            wire.news.set()
    writer.close()
