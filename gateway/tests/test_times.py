"""How long an answer may take, and what the server does of HTTP."""

import asyncio

import httpx
import pytest

from gateway.proxy import call, routes
from gateway.proxy.routes import Route
from gateway.tests.conftest import SERVERS, Upstreams, raw, running
from gateway.tests.support import Clients, connected
from shared.testing.waiting import until

GET = b"GET /api/v1/slots HTTP/1.1\r\nHost: x\r\n\r\n"


class TestTimes:
    async def test_an_idle_connection_is_closed_after_a_complete_answer(self, upstreams: Upstreams) -> None:
        async with running(upstreams, {"timeout_keep_alive": 0.2}) as (_, url):
            reader, writer = await connected(url)
            writer.write(GET)
            async with asyncio.timeout(5):
                assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()

    async def test_a_client_that_does_not_read_the_end_of_its_answer_is_cut(
        self, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(call, "CLIENT_READ_SECONDS", 0.2)
        async with running(upstreams, {"timeout_keep_alive": 0.2}) as (_, url):
            _, writer = await connected(url)
            writer.write(GET * 3 + b"GET /api/v1/services/big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            await until(lambda: bool(SERVERS[url].server_state.connections))
            await until(lambda: not SERVERS[url].server_state.connections)
            writer.close()

    async def test_a_client_that_reads_nothing_holds_no_connection_to_the_service(
        self, clients: Clients, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(call, "CLIENT_READ_SECONDS", 1.0)
        upstreams.seen.clear()
        async with running(upstreams, debug=True) as (gateway, url):
            _, writer = await clients.send(url, b"")
            state = SERVERS[url].server_state
            await until(lambda: bool(state.connections))
            (connection,) = state.connections
            for number in range(1, 31):  # until what is sent is no longer taken
                writer.write(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n")
                await until(lambda number=number: state.total_requests == number)  # type: ignore[misc]
                if connection.transport.get_write_buffer_size() > 100_000:
                    break
            writer.write(b"GET /api/v1/slots/unread HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: "/api/v1/slots/unread" in upstreams.seen)
            await until(lambda: gateway.upstreams["booking"].free == 100)
            assert sum(gateway._calls._calls.values()) == 1
            await until(lambda: not gateway._calls._calls)
            await until(lambda: not SERVERS[url].server_state.connections)

    async def test_an_answer_that_takes_too_long_is_cut(
        self, client: httpx.AsyncClient, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upstreams.hold.clear()
        monkeypatch.setitem(
            routes.PREFIXES, "/api/v1/waitlist", Route("/api/v1/waitlist", "booking", total=0.3, idle=60.0)
        )
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/api/v1/waitlist/drip")
        upstreams.hold.set()

    async def test_an_answer_that_pauses_too_long_is_cut(
        self, client: httpx.AsyncClient, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upstreams.hold.clear()
        monkeypatch.setitem(routes.PREFIXES, "/api/v1/waitlist", Route("/api/v1/waitlist", "booking", idle=0.2))
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/api/v1/waitlist/drip")
        upstreams.hold.set()

    def test_every_route_has_its_limits(self) -> None:
        for route in routes.ROUTES:
            assert 0 < route.first_byte <= route.total <= 300


class TestServer:
    async def test_pipelined_calls_are_answered_in_order(self, url: str) -> None:
        paths = [f"/api/v1/slots/{number}" for number in range(8)]
        calls = b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths)
        end = b"GET /api/v1/slots/end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = await raw(url, calls + end)
        places = [answer.body.find(f'"path":"{path}"'.encode()) for path in [*paths, "/api/v1/slots/end"]]
        assert -1 not in places
        assert places == sorted(places)

    async def test_http_1_0_is_answered_and_closed(self, url: str) -> None:
        answer = await raw(url, b"GET /api/v1/slots HTTP/1.0\r\nHost: x\r\n\r\n")
        assert answer.status == 200
        assert b"connection: close" in answer.head

    async def test_expect_100_continue_is_answered(self, url: str) -> None:
        reader, writer = await connected(url)
        writer.write(
            b"POST /api/v1/bookings/check-availability HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        async with asyncio.timeout(5):
            assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
            writer.write(b"abc")
            answer = await reader.read()
        assert b'"size":3' in answer
        writer.close()

    async def test_an_absolute_url_is_routed_by_its_path(self, url: str) -> None:
        answer = await raw(
            url, b"GET http://evil.example/api/v1/slots?a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert (answer.status, b'"path":"/api/v1/slots"' in answer.body) == (200, True)

    async def test_a_line_break_in_a_header_is_never_sent(self, upstreams: Upstreams) -> None:
        async with running(upstreams) as (gateway, url), httpx.AsyncClient(base_url=url) as client:
            gateway._without_origin.append((b"x-bad", b"1\r\nset-cookie: a=1"))
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/api/v1/slots")
