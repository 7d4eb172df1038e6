"""The shutdown, and the heartbeat of WebSockets."""

import asyncio
import signal

import httpx
from websockets.asyncio.client import connect

from gateway.main import Gateway
from gateway.protocols import HttpProtocol, WebSocketProtocol
from gateway.tests.conftest import SERVERS, Upstreams, running
from gateway.tests.process import answers, process
from gateway.tests.support import closed_with, silent_websocket, ws
from shared.messaging.events import new_id
from shared.testing.waiting import until


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

    async def test_a_call_over_a_connection_opened_just_before_the_end_is_answered(self, upstreams: Upstreams) -> None:
        async with running(upstreams) as (_, url):
            host, port = "127.0.0.1", int(url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection(host, port)
            unused, unused_writer = await asyncio.open_connection(host, port)
            SERVERS[url].should_exit = True
            await until(lambda: not any(server.is_serving() for server in SERVERS[url].servers))
            writer.write(b"GET /api/v1/slots HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
            assert await unused.read() == b""
            writer.close()
            unused_writer.close()


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
    assert SERVERS[url].config.http is HttpProtocol
    assert SERVERS[url].config.ws is WebSocketProtocol
    assert gateway.hub.draining is False
