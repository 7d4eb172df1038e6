"""Clients that are slow or send too much, and the shutdown."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from gateway import server
from gateway.main import Gateway
from gateway.proxy import forwarding, request_body
from gateway.tests.conftest import SERVERS, Upstreams, raw, running
from gateway.tests.support import Ends, closed_with, silent_websocket, ws
from shared.messaging.events import new_id
from shared.testing.waiting import until

ROOT = Path(__file__).parents[2]
HEAD = b"GET /api/v1/slots HTTP/1.1\r\nHost: x\r\n"


async def connected(url: str) -> Ends:
    host, port = url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def dripping(url: str, first: bytes, drop: bytes) -> bytes:
    """The answer to a client that keeps sending a little at a time."""
    reader, writer = await connected(url)
    writer.write(first)
    answer = asyncio.create_task(reader.read())
    async with asyncio.timeout(10):
        while not answer.done():
            writer.write(drop)
            await asyncio.wait([answer], timeout=0.02)
    writer.close()
    return answer.result()


class TestSlowClients:
    @pytest.fixture
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
        monkeypatch.setattr(request_body, "BODY_SECONDS", 0.3)
        monkeypatch.setattr(forwarding, "CLIENT_READ_SECONDS", 0.3)

    @pytest.mark.usefixtures("soon")
    async def test_headers_that_never_end_are_408(self, url: str) -> None:
        assert (await dripping(url, HEAD, b"X: y\r\n")).startswith(b"HTTP/1.1 408 ")
        assert (await dripping(url, b"GET /", b"x")).startswith(b"HTTP/1.1 408 ")

    @pytest.mark.usefixtures("soon")
    async def test_headers_of_a_second_call_that_never_end_are_408(self, url: str) -> None:
        answers = await dripping(url, HEAD + b"\r\n" + HEAD, b"X: y\r\n")
        assert answers.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in answers

    @pytest.mark.usefixtures("soon")
    async def test_a_connection_without_a_call_is_closed(self, url: str) -> None:
        reader, writer = await connected(url)
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()

    @pytest.mark.parametrize("line", [b"X: " + b"y" * 8_000 + b"\r\n", b"y" * 8_000])
    async def test_endless_headers_are_431(self, url: str, line: bytes) -> None:
        answer = await dripping(url, HEAD + b"X: ", line)
        assert answer.startswith(b"HTTP/1.1 431 ")

    async def test_a_header_of_64_kb_is_431(self, url: str, upstreams: Upstreams) -> None:
        upstreams.seen.clear()
        answer = await raw(url, HEAD + b"Connection: close\r\nX-Long: " + b"x" * 65_536 + b"\r\n\r\n")
        assert answer.status == 431
        assert upstreams.seen == []

    @pytest.mark.usefixtures("soon")
    async def test_slow_answers_and_uploads_are_not_cut(self, url: str, upstreams: Upstreams) -> None:
        upstreams.hold.clear()
        async with httpx.AsyncClient(base_url=url) as client, connect(ws(url, f"/ws/loctician/{new_id()}")) as socket:
            slow = asyncio.create_task(client.get("/api/v1/slots/never"))
            await asyncio.wait([slow], timeout=0.6)
            assert not slow.done()
            upstreams.hold.set()
            assert (await slow).status_code == 200
            await asyncio.wait_for(await socket.ping(), 5)

    @pytest.mark.usefixtures("soon")
    @pytest.mark.parametrize("drop", [b"", b"x"])
    async def test_a_body_that_never_ends_is_408(self, url: str, drop: bytes) -> None:
        head = b"POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"
        answer = await dripping(url, head, drop)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"slow_body"' in answer

    @pytest.mark.usefixtures("soon")
    @pytest.mark.parametrize(
        ("rest", "status", "code"),
        [
            (b"Content-Length: 100000\r\n\r\n", 408, b"slow_body"),
            (b"Content-Length: 1000000000\r\n\r\n", 413, b"too_large"),
            (b"Transfer-Encoding: chunked\r\n\r\nno length\r\n", 400, b"Invalid HTTP"),
            (b"Content-Length: 9\r\nExpect: 100-continue\r\nAuthorization: Bearer x\r\n\r\n", 401, b"token"),
        ],
    )
    async def test_a_client_that_keeps_sending_still_gets_the_refusal(
        self, url: str, rest: bytes, status: int, code: bytes
    ) -> None:
        reader, writer = await connected(url)
        writer.write(b"POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\n" + rest)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            for _ in range(3):  # what is sent to a closed connection resets it, and the body with it
                writer.write(b"x" * 1_000)
                await asyncio.sleep(0.02)
            answer = head + await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert b"connection: close\r\n" in head.lower()
        assert code in answer

    @pytest.mark.usefixtures("soon")
    async def test_a_client_that_does_not_read_holds_no_connection_to_the_service(self, upstreams: Upstreams) -> None:
        async with running(upstreams, upstream_connections=1) as (_, url), httpx.AsyncClient(base_url=url) as client:
            reader, writer = await connected(url)
            writer.write(b"GET /api/v1/services/big HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readline()
            assert (await client.get("/api/v1/services")).status_code == 200
            # Sooner than the client's idle connection ends: it is the other one that has gone.
            await until(lambda: len(SERVERS[url].server_state.connections) == 1, 3)
            writer.close()


@asynccontextmanager
async def process(upstreams: Upstreams, port: int, **settings: str) -> AsyncIterator[Process]:
    environment = {
        "PATH": os.environ["PATH"],
        "ENVIRONMENT": "test",
        "SECRET_KEY": "test-secret-key-of-at-least-32-characters",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "AMQP_URL": upstreams.amqp_url,
        **{f"{name.upper()}_URL": url for name, url in upstreams.urls.items()},
        **settings,
    }
    command = [sys.executable, "-m", "gateway", "--port", str(port)]
    started = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def answers(url: str, path: str, status: int) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(20):
        while True:
            try:
                if (await client.get(path)).status_code == status:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


class TestRestart:
    async def test_sockets_are_closed_in_turn_while_calls_are_answered(
        self, upstreams: Upstreams, unused_tcp_port: int
    ) -> None:
        url = f"http://127.0.0.1:{unused_tcp_port}"
        async with process(upstreams, unused_tcp_port, WEBSOCKET_DRAIN_SECONDS="30") as gateway:
            await answers(url, "/health/ready", 200)
            sockets = [await connect(ws(url, f"/ws/loctician/{new_id()}")) for _ in range(90)]
            closing = [asyncio.create_task(closed_with(socket, 30)) for socket in sockets]
            gateway.send_signal(signal.SIGTERM)
            await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)
            assert not all(task.done() for task in closing)
            await answers(url, "/health/ready", 503)
            async with httpx.AsyncClient(base_url=url) as client:
                assert (await client.get("/health")).json()["status"] == "draining"
            await answers(url, "/api/v1/slots", 200)
            async with httpx.AsyncClient(base_url=url) as client:  # its next call goes to another replica
                assert (await client.get("/api/v1/slots")).headers["connection"] == "close"
            async with connect(ws(url, f"/ws/loctician/{new_id()}")) as late:
                assert await closed_with(late) == 1012
            assert not all(task.done() for task in closing)
            assert set(await asyncio.gather(*closing)) == {1012}
            assert await asyncio.wait_for(gateway.wait(), 15) in (0, -signal.SIGTERM)

    async def test_a_second_signal_stops_it_at_once(self, upstreams: Upstreams, unused_tcp_port: int) -> None:
        url = f"http://127.0.0.1:{unused_tcp_port}"
        async with process(upstreams, unused_tcp_port, DRAIN_SECONDS="60") as gateway:
            await answers(url, "/health/ready", 200)
            sockets = [await connect(ws(url, f"/ws/loctician/{new_id()}")) for _ in range(3)]
            gateway.send_signal(signal.SIGTERM)
            await answers(url, "/health/ready", 503)
            gateway.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(gateway.wait(), 15) in (0, -signal.SIGTERM)
            assert {await closed_with(socket) for socket in sockets} == {1012}


class TestHeartbeat:
    async def test_a_client_that_does_not_answer_pings_is_closed_and_others_stay(self, upstreams: Upstreams) -> None:
        quick = {"ws_ping_interval": 0.1, "ws_ping_timeout": 0.3}
        async with running(upstreams, quick) as (gateway, url), connect(ws(url, f"/ws/loctician/{new_id()}")) as alive:
            dead = await silent_websocket(url, f"/ws/loctician/{new_id()}")
            await until(lambda: len(gateway.hub) == 2)
            await until(lambda: len(gateway.hub) == 1)
            await until(lambda: len(SERVERS[url].server_state.connections) == 1)
            await asyncio.wait_for(await alive.ping(), 5)
            dead[1].close()


def test_tests_use_the_server_options_of_the_process(gateway: Gateway, url: str) -> None:
    assert SERVERS[url].config.http is server.FrontDoor
    assert gateway.hub.draining is False
