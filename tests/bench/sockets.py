"""Many WebSocket connections that only listen, in a process of their own: `python -m tests.bench.sockets`.

Lean, so that the server is what is measured: a handshake, then frames counted. Prints `open` once all are connected
and, for each marker read from its input, the time at which the last connection received a message with it.
"""

import argparse
import asyncio
import resource
import sys
import time
from base64 import b64encode

import uvloop

AT_ONCE = 200
PER_ADDRESS = 50  # of 127.0.0.0/8, so that no limit per address or range of ports is met
MOST_SECONDS = 120.0
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PING, PONG = 0x89, b"\x8a\x80\x00\x00\x00\x00"


class Listener(asyncio.Protocol):
    __slots__ = ("_all", "_transport", "opened")

    def __init__(self, everyone: "Everyone") -> None:
        self._all = everyone
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._all.handshake)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if data.startswith(b"HTTP/1.1 101"):
                self.opened.set_result(None)
            else:
                self.opened.set_exception(ConnectionError(data[:200].decode("latin-1")))
        elif data[0] == PING and len(data) == 2:
            self._transport.write(PONG)  # type: ignore[attr-defined]
        elif self._all.marker in data:
            self._all.heard()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed in the handshake"))
        self._all.lost = True


class Everyone:
    def __init__(self, port: int, path: str, count: int) -> None:
        key = b64encode(b"0123456789abcdef").decode()
        self.handshake = HANDSHAKE.format(path=path, port=port, key=key).encode()
        self.marker = b"\0never\0"
        self.lost = False
        self._port, self._count = port, count
        self._left = 0
        self._all_heard = asyncio.Event()

    async def connect(self) -> None:
        numbers = iter(range(self._count))

        async def some() -> None:
            for number in numbers:
                place = number // PER_ADDRESS
                local = (f"127.{1 + place // 62_500}.{place // 250}.{1 + place % 250}", 0)
                listener = Listener(self)
                await asyncio.get_running_loop().create_connection(
                    lambda protocol=listener: protocol,  # type: ignore[misc]
                    "127.0.0.1",
                    self._port,
                    local_addr=local,
                )
                await listener.opened

        async with asyncio.timeout(MOST_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(some())

    def expect(self, marker: str) -> None:
        self.marker, self._left = marker.encode(), self._count
        self._all_heard.clear()

    def heard(self) -> None:
        self._left -= 1
        if not self._left:
            self._last = time.time()
            self._all_heard.set()

    async def last(self) -> float:
        async with asyncio.timeout(MOST_SECONDS):
            await self._all_heard.wait()
        return self._last


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    everyone = Everyone(arguments.port, arguments.path, arguments.count)
    await everyone.connect()
    answer("open")
    while marker := (await asyncio.to_thread(sys.stdin.readline)).strip():
        everyone.expect(marker)
        answer("listening")
        answer(f"{await everyone.last():.6f}")
        if everyone.lost:
            sys.exit("a connection was lost")


def answer(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main())
