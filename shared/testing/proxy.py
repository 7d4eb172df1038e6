"""A connection that can be cut: a TCP proxy in front of a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """A TCP proxy in front of a server: `cut` is the server gone, `mute` is what the client says lost on the way,
    the end of its connection too, until the proxy is cut."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._links: set[asyncio.Task[None]] = set()
        self._muted = False

    @property
    def url(self) -> str:
        user = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{self._port}"))

    async def restore(self) -> None:
        self._muted = False
        self._server = await asyncio.start_server(self._link, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await ended(*self._links)

    def lead_to(self, url: str) -> None:
        """Where connections go that are made from now on."""
        self._parts = urlsplit(url)

    def mute(self) -> None:
        self._muted = True

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)
        # also for a task that is cancelled before it has begun, or while it connects
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        except OSError:
            return
        ways = [
            asyncio.create_task(self._copy(reader, there, mutable=True)),
            asyncio.create_task(self._copy(there_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, there):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, mutable: bool = False) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if not (mutable and self._muted):
                    target.write(data)
                    await target.drain()
        if self._muted:
            await asyncio.Event().wait()  # until it is cut


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(url)
    await proxy.restore()
    try:
        yield proxy
    finally:
        await proxy.cut()


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
