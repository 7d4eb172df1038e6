"""Attacks by the frames of a WebSocket: floods, and a client that reads nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect

from gateway import protocols
from gateway.main import Gateway
from gateway.protocols import FRAMES_PER_MINUTE, MAX_UNSENT_BYTES
from gateway.tests.conftest import SERVERS, Upstreams, running
from gateway.tests.process import answers, process
from gateway.tests.support import Clients, ws
from shared.messaging.events import new_id
from shared.testing.waiting import until

MASK = b"\x00\x00\x00\x00"
PING = b"\x89\xfd" + MASK + b"p" * 125
PONG, EMPTY_PART = b"\x8a\x80" + MASK, b"\x00\x80" + MASK
BEGIN = b"\x01\x81" + MASK + b"a"  # of a message in parts
FLOOD_BYTES = 60_000_000


def path() -> str:
    return f"/ws/loctician/{new_id()}"


async def flood(writer: asyncio.StreamWriter, frame: bytes) -> int:
    """Sends frames and reads nothing, until the server ends the connection. Returns the bytes sent."""
    piece, sent = frame * 500, 0
    try:
        async with asyncio.timeout(20):
            while sent < FLOOD_BYTES:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
    except ConnectionError:
        pass
    return sent


@pytest.fixture
async def own(upstreams: Upstreams) -> AsyncIterator[tuple[Gateway, str]]:
    async with running(upstreams) as (gateway, url):
        yield gateway, url


class TestPingsWithoutReading:
    async def test_the_process_does_not_grow(
        self, clients: Clients, upstreams: Upstreams, unused_tcp_port: int
    ) -> None:
        url = f"http://127.0.0.1:{unused_tcp_port}"
        async with process(upstreams, unused_tcp_port) as gateway:
            await answers(url, "/health/ready", 200)
            memory = psutil.Process(gateway.pid).memory_info
            before = memory().rss
            for _ in range(3):
                _, writer = await clients.upgrade(url, path())
                assert await flood(writer, PING) < FLOOD_BYTES / 4
            assert memory().rss - before < 20_000_000
            async with connect(ws(url, path())) as other:
                await asyncio.wait_for(await other.ping(), 5)

    async def test_the_connection_is_aborted_above_a_bound_of_unsent_bytes(
        self, clients: Clients, own: tuple[Gateway, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(protocols, "FRAMES_PER_MINUTE", 10_000_000)
        gateway, url = own
        _, writer = await clients.upgrade(url, path())
        await until(lambda: len(gateway.hub) == 1)
        unsent: list[int] = []
        (connection,) = [c for c in SERVERS[url].server_state.connections if isinstance(c, protocols.WebSocketProtocol)]
        work = asyncio.create_task(flood(writer, PING))
        while not work.done():
            unsent.append(connection.transport.get_write_buffer_size())
            await asyncio.sleep(0)
        assert await work < FLOOD_BYTES / 4
        assert max(unsent) < 4 * MAX_UNSENT_BYTES
        await until(lambda: len(gateway.hub) == 0)


class TestFrames:
    @pytest.mark.parametrize("frame", [PING, PONG, EMPTY_PART], ids=["ping", "pong", "part"])
    async def test_every_kind_counts(self, clients: Clients, own: tuple[Gateway, str], frame: bytes) -> None:
        gateway, url = own
        reader, writer = await clients.upgrade(url, path())
        await until(lambda: len(gateway.hub) == 1)
        writer.write(BEGIN + frame * (FRAMES_PER_MINUTE + 1))
        got = await asyncio.wait_for(reader.read(), 5)
        assert b"\x03\xf0too many messages" in got  # 1008
        await until(lambda: len(gateway.hub) == 0)

    async def test_parts_and_pings_between_them_count_together(
        self, clients: Clients, own: tuple[Gateway, str]
    ) -> None:
        _, url = own
        reader, writer = await clients.upgrade(url, path())
        writer.write(BEGIN + (EMPTY_PART + PONG + PING) * (FRAMES_PER_MINUTE // 3))
        assert b"\x03\xf0too many messages" in await asyncio.wait_for(reader.read(), 5)

    async def test_as_many_as_allowed_are_answered(self, own: tuple[Gateway, str]) -> None:
        _, url = own
        async with connect(ws(url, path()), ping_interval=None) as socket:
            for _ in range(FRAMES_PER_MINUTE // 4):
                await asyncio.wait_for(await socket.ping(), 5)
            await socket.send("x")
            await asyncio.wait_for(await socket.ping(), 5)


def test_the_protocol_is_uvicorns_own(url: str) -> None:
    """Only methods without an underscore are replaced; what uvicorn keeps to itself is not used."""
    for kind in (protocols.HttpProtocol, protocols.WebSocketProtocol):
        base: Any = kind.__bases__[0]
        own = {name for name in vars(kind) if not name.startswith("__")}
        assert not {name for name in own if name.startswith("_") and hasattr(base, name)}
