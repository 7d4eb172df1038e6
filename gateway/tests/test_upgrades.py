"""Attacks by the Upgrade header: what the WebSocket layer cannot read, and what is no WebSocket (RFC 9110, 7.8)."""

import asyncio
import signal
from tempfile import TemporaryFile

import pytest
from websockets.asyncio.client import connect

from gateway.main import Gateway
from gateway.realtime import sockets
from gateway.tests.conftest import SERVERS, Upstreams, running
from gateway.tests.process import answers, process
from gateway.tests.support import UPGRADE, Clients, closed_with, ws
from shared.messaging.events import new_id
from shared.testing.types import TokenFor
from shared.testing.waiting import until

OPEN = b"/api/v1/bookings/check-availability"
HEAD = b"GET /ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE
UNREADABLE = {
    "a long query": b"GET /ws?token=" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n",
    "a header over 8 KB": HEAD + b"X: " + b"y" * 9_000 + b"\r\n\r\n",
    "more than 128 headers": HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(130)) + b"\r\n",
    "a declared body": HEAD + b"Content-Length: 5\r\n\r\nhello",
    "a body without a length": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no key": b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "another method": HEAD.replace(b"GET", b"POST", 1) + b"\r\n",
}


async def statuses(reader: asyncio.StreamReader, count: int) -> list[int]:
    """Of the next answers, whose bodies have a Content-Length."""
    found = []
    for _ in range(count):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        await reader.readexactly(int(lines.get(b"content-length", 0)))
        found.append(int(head.split(b" ", 2)[1]))
    return found


class TestUnreadable:
    @pytest.mark.parametrize("attack", UNREADABLE)
    async def test_it_is_refused_and_closed_at_once(self, clients: Clients, upstreams: Upstreams, attack: str) -> None:
        async with running(upstreams) as (gateway, url):
            reader, _ = await clients.send(url, UNREADABLE[attack])
            answer = await asyncio.wait_for(reader.read(), 10)
            assert answer[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 414", b"HTTP/1.1 431", b"HTTP/1.1 405"}
            await until(lambda: not SERVERS[url].server_state.connections)
            assert not gateway._calls._calls
            assert len(gateway.hub) == 0

    async def test_the_shutdown_is_clean_while_they_are_sent(
        self, clients: Clients, upstreams: Upstreams, unused_tcp_port: int
    ) -> None:
        url = f"http://127.0.0.1:{unused_tcp_port}"
        with TemporaryFile() as log:
            async with process(upstreams, unused_tcp_port, log) as gateway:
                await answers(url, "/health/ready", 200)
                for data in [*UNREADABLE.values()] * 10:
                    await clients.send(url, data)
                await clients.upgrade(url, f"/ws/loctician/{new_id()}")
                gateway.send_signal(signal.SIGTERM)
                for data in UNREADABLE.values():
                    await clients.send(url, data)
                assert await asyncio.wait_for(gateway.wait(), 30) in (0, -signal.SIGTERM)
            log.seek(0)
            written = log.read()
            assert b"Traceback" not in written
            assert b"AssertionError" not in written


class TestPlaces:
    async def test_a_refused_client_that_stays_keeps_a_place_of_its_address(
        self, clients: Clients, upstreams: Upstreams
    ) -> None:
        async with running(upstreams, calls_per_address=5) as (gateway, url):
            for _ in range(5):
                await clients.upgrade(url, "/ws?token=none")
            await until(lambda: sum(gateway._calls._calls.values()) == 5)
            reader, _ = await clients.send(url, b"GET /ws?token=none HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n")
            assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 429 ")
            await clients.close()
            await until(lambda: not gateway._calls._calls)

    async def test_a_socket_that_does_not_open_in_time_is_closed(
        self, clients: Clients, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch, token_for: TokenFor
    ) -> None:
        monkeypatch.setattr(sockets, "OPEN_SECONDS", 0.2)

        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()  # until the gateway leaves
            writer.close()
            await writer.wait_closed()
            left.release()

        left = asyncio.Semaphore(0)
        async with await asyncio.start_server(never, "127.0.0.1", 0) as silent:
            keys = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
            async with running(upstreams, auth_url=keys) as (gateway, url):
                async with connect(ws(url, f"/ws?token={token_for()}")) as socket:
                    assert await closed_with(socket) == 1013
                await until(lambda: not gateway._calls._calls)
            await asyncio.wait_for(left.acquire(), 10)


class TestOtherUpgrades:
    @pytest.mark.parametrize("upgrade", [b"h2c", b"TLS/1.0", b"websocket, h2c", b"foo"])
    @pytest.mark.parametrize("apart", [False, True])
    async def test_it_is_ignored_and_the_call_handled(
        self, clients: Clients, url: str, upgrade: bytes, apart: bool
    ) -> None:
        head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %b\r\n" % (
            OPEN,
            upgrade,
        )
        head += b"HTTP2-Settings: AAMAAABk\r\nContent-Length: 5\r\n\r\n"
        reader, writer = await clients.send(url, b"")
        for _ in range(2):
            for piece in [head[:30], head[30:-2], head[-2:] + b"he", b"llo"] if apart else [head + b"hello"]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            answer = await asyncio.wait_for(reader.readuntil(b'"size":5}'), 5)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"upgrade" not in answer

    async def test_a_chunked_body_and_the_calls_behind_it_are_read(self, clients: Clients, url: str) -> None:
        upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
        first = b"POST %b HTTP/1.1\r\nHost: x\r\n%bTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        then = b"GET /api/v1/slots HTTP/1.1\r\nHost: x\r\n%b\r\n" % upgrade
        reader, _ = await clients.send(url, first % (OPEN, upgrade) + then + then)
        assert await statuses(reader, 3) == [200, 200, 200]

    async def test_connection_close_beside_it_counts(self, clients: Clients, url: str) -> None:
        head = b"GET /api/v1/slots HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n"
        reader, _ = await clients.send(url, head)
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200 ")

    @pytest.mark.parametrize("target", [b"x:443", b"/api/v1/slots"])
    async def test_connect_is_refused(self, clients: Clients, url: str, target: bytes) -> None:
        reader, _ = await clients.send(url, b"CONNECT %b HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n" % target)
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 ")

    async def test_http_1_0_opens_no_websocket(self, clients: Clients, url: str) -> None:
        reader, _ = await clients.send(url, HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 404 ")


class TestPipelinedUpgrade:
    @pytest.mark.parametrize("calls", [1, 3])
    async def test_it_waits_for_the_answers_before_it(self, clients: Clients, upstreams: Upstreams, calls: int) -> None:
        upstreams.hold.clear()
        async with running(upstreams, {"timeout_keep_alive": 0.2}) as (gateway, url):
            call = b"GET /api/v1/slots/never HTTP/1.1\r\nHost: x\r\n\r\n"
            upgrade = f"GET /ws/loctician/{new_id()} HTTP/1.1\r\nHost: x\r\n".encode() + UPGRADE + b"\r\n"
            reader, writer = await clients.send(url, call * calls + upgrade)
            await until(lambda: sum(gateway._calls._calls.values()) == 1)
            assert len(gateway.hub) == 0
            upstreams.hold.set()
            assert await statuses(reader, calls + 1) == [200] * calls + [101]
            await until(lambda: len(gateway.hub) == 1)
            with pytest.raises(TimeoutError):  # open for longer than an idle connection
                await asyncio.wait_for(reader.read(), 0.5)
            writer.write(b"\x89\x80\x00\x00\x00\x00")
            assert await asyncio.wait_for(reader.readexactly(2), 5) == b"\x8a\x00"

    @pytest.mark.parametrize("upgrade", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
    async def test_too_many_calls_at_once_close_the_connection(
        self, clients: Clients, url: str, upstreams: Upstreams, upgrade: bytes
    ) -> None:
        upstreams.hold.clear()
        call = b"GET /api/v1/slots/never HTTP/1.1\r\nHost: x\r\n%b\r\n" % upgrade
        reader, _ = await clients.send(url, call * 1_000)
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 ")
        upstreams.hold.set()


async def test_a_websocket_opens_by_an_absolute_target(clients: Clients, gateway: Gateway, url: str) -> None:
    target = f"http://salon.example/ws/loctician/{new_id()}"
    await clients.upgrade(url, target)
    await until(lambda: len(gateway.hub) == 1)
    await clients.close()
    await until(lambda: len(gateway.hub) == 0)
