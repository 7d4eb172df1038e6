"""How many connections clients may have, and for how long."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from gateway import server
from gateway.crowd import Crowd
from gateway.proxy import forwarding, routes
from gateway.proxy.routes import Route
from gateway.server import FrontDoor
from gateway.tests.conftest import SERVERS, Upstreams, raw, running
from gateway.tests.support import Ends, ws
from shared.messaging.events import new_id
from shared.testing.waiting import until

GET = b"GET /api/v1/slots HTTP/1.1\r\nHost: x\r\n\r\n"


async def connected(url: str) -> Ends:
    host, port = url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def closed(opened: list[Ends]) -> None:
    for _, writer in opened:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Crowd[FrontDoor]:
    counter: Crowd[FrontDoor] = Crowd(at_most=40, per_address=20)
    monkeypatch.setattr(server, "crowd", counter)
    return counter


@pytest.fixture
async def own(upstreams: Upstreams, small: Crowd[FrontDoor]) -> AsyncIterator[str]:
    async with running(upstreams) as (_, url):
        yield url


class TestManyConnections:
    async def test_thousands_of_silent_connections_lock_nobody_out(self, own: str, small: Crowd[FrontDoor]) -> None:
        opened = [await connected(own) for _ in range(200)]
        assert len(small) <= small.per_address
        async with httpx.AsyncClient(base_url=own) as client:
            assert (await client.get("/api/v1/slots")).status_code == 200
        await closed(opened)

    async def test_a_connection_with_half_a_head_counts_as_idle(self, own: str, small: Crowd[FrontDoor]) -> None:
        opened = [await connected(own) for _ in range(30)]
        for _, writer in opened:
            writer.write(GET[:-2])
        async with httpx.AsyncClient(base_url=own) as client:
            assert (await client.get("/api/v1/slots")).status_code == 200
        assert len(small) <= small.per_address
        await closed(opened)

    async def test_a_connection_with_a_call_in_progress_is_not_closed(
        self, own: str, upstreams: Upstreams, small: Crowd[FrontDoor]
    ) -> None:
        upstreams.hold.clear()
        busy = [await connected(own) for _ in range(small.per_address)]
        for _, writer in busy:
            writer.write(b"GET /api/v1/slots/never HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await until(lambda: not small._idle)
        reader, writer = await connected(own)
        writer.write(GET)
        # No further: a connection too many is not kept until its client has stopped sending, and may be reset.
        assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
        writer.close()
        upstreams.hold.set()
        answers = [await reader.read() for reader, _ in busy]
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
        await closed(busy)

    async def test_websockets_are_not_counted(self, own: str, small: Crowd[FrontDoor]) -> None:
        async with connect(ws(own, f"/ws/loctician/{new_id()}")), connect(ws(own, f"/ws/loctician/{new_id()}")):
            assert len(small) == 0

    @given(st.lists(st.tuples(st.sampled_from(["come", "idle", "busy", "go"]), st.integers(0, 9)), max_size=120))
    def test_its_counts_stay_correct(self, events: list[tuple[str, int]]) -> None:
        class Somebody:
            def make_room(self) -> None:
                here.remove(self)

        guests: Crowd[Somebody] = Crowd(at_most=6, per_address=3)
        here: list[Somebody] = []
        for event, number in events:
            if event == "come":
                somebody = Somebody()
                if guests.admit(somebody, None if number == 9 else f"10.0.0.{number % 3}"):
                    here.append(somebody)
            elif here:
                somebody = here[number % len(here)]
                if event == "go":
                    guests.leave(somebody)
                    here.remove(somebody)
                else:
                    getattr(guests, event)(somebody)
            assert len(guests) == len(here) <= 6
            assert set(guests._idle) <= set(here)
            assert all(count <= 3 for count in guests._from.values())
            assert sum(guests._from.values()) <= len(here)
        for somebody in here:
            guests.leave(somebody)
        assert [len(guests._here), len(guests._from), len(guests._idle), len(guests._idle_from)] == [0] * 4


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
        monkeypatch.setattr(server, "TAKE_SECONDS", 0.2)
        monkeypatch.setattr(forwarding, "CLIENT_READ_SECONDS", 0.2)
        async with running(upstreams, {"timeout_keep_alive": 0.2}) as (_, url):
            _, writer = await connected(url)
            writer.write(GET * 3 + b"GET /api/v1/services/big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            await until(lambda: bool(SERVERS[url].server_state.connections))
            await until(lambda: not SERVERS[url].server_state.connections)
            writer.close()

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
    """What the gateway's request cycle must do like uvicorn's."""

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
            b"POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
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
            answer = await client.get("/api/v1/slots")
            assert answer.status_code == 500
            assert "set-cookie" not in answer.headers
