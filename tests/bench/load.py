"""A lean HTTP/1.1 client of ours: keep-alive connections, each sending its next request once it has the answer."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools
import orjson

GRACE_SECONDS = 30.0
Next = Callable[[bytes], bytes]  # the answer before (empty at first) -> the next request


@dataclass
class Load:
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # seconds
    statuses: Counter[int] = field(default_factory=Counter)
    refused: bytes = b""

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def request(
    method: str, path: str, *, token: str | None = None, body: object = None, headers: dict[str, str] | None = None
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    content = b"" if body is None else orjson.dumps(body)
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


class _Client(asyncio.Protocol):
    def __init__(self, following: Next, load: Load, until: float, expected: int) -> None:
        self._following, self._load, self._until, self._expected = following, load, until, expected
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is none of asyncio's
        self._send(b"")

    def _send(self, answer: bytes) -> None:
        assert self._transport is not None
        if self.done.done():
            return
        if time.perf_counter() >= self._until:
            self.done.set_result(None)
            return
        content = self._following(answer)
        self._sent = time.perf_counter()
        self._transport.write(content)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        self._load.statuses[status] += 1
        self._load.latencies.append(time.perf_counter() - self._sent)
        answer = b"".join(self._pieces)
        self._pieces.clear()
        if status != self._expected and not self._load.refused:
            self._load.refused = answer[:500]
        self._send(answer)

    def end(self) -> None:
        self.done.cancel()
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"cut: {error or 'by the server'}; {self._load.statuses}"))


async def drive(port: int, clients: Sequence[Next], seconds: float, *, expected: int = 200) -> Load:
    """Load 127.0.0.1:port for `seconds`. Raises RuntimeError when any answer was not the expected one."""
    loop = asyncio.get_running_loop()
    load = Load()
    started = time.perf_counter()
    connections: list[_Client] = []
    try:
        async with asyncio.timeout(seconds + GRACE_SECONDS):
            for following in clients:
                connections.append(_Client(following, load, started + seconds, expected))
                await loop.create_connection(lambda: connections[-1], "127.0.0.1", port)
            await asyncio.gather(*(client.done for client in connections))
    finally:
        for client in connections:
            client.end()
    load.seconds = time.perf_counter() - started
    if set(load.statuses) != {expected} or math.isclose(load.seconds, 0):
        raise RuntimeError(f"answers were {dict(load.statuses)}, not all {expected}: {load.refused.decode()}")
    return load
