"""Attacks by the body of a call: one that never comes, comes slowly, is too large or belongs to nobody."""

import asyncio
import tempfile
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from gateway.proxy import request_body
from gateway.proxy.request_body import IN_MEMORY_BYTES
from gateway.tests.conftest import Upstreams, running
from gateway.tests.support import Clients, coming_from
from shared.testing.types import TokenFor
from shared.testing.waiting import until

OPEN = "/api/v1/bookings/check-availability"  # needs no token
NEVER = f"POST {OPEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n".encode()
MIB = 1_048_576


class TestBodiesThatNeverCome:
    async def test_they_take_no_connection_to_a_service(self, clients: Clients, upstreams: Upstreams) -> None:
        async with running(upstreams, upstream_connections=5, calls_per_address=300) as (gateway, url):
            for _ in range(120):
                await clients.send(url, NEVER)
            await until(lambda: sum(gateway._calls._calls.values()) == 120)
            assert gateway.upstreams["booking"].free == 5
            async with coming_from("127.0.0.2", url) as other:
                assert (await other.get("/api/v1/slots")).status_code == 200
                assert (await other.post(OPEN, json={})).status_code == 200
            await clients.close()
            await until(lambda: not gateway._calls._calls)

    async def test_they_leave_room_for_other_calls_of_their_address(
        self, clients: Clients, upstreams: Upstreams
    ) -> None:
        async with running(upstreams, calls_per_address=50) as (gateway, url):
            ends = [await clients.send(url, NEVER) for _ in range(120)]
            lines = [asyncio.create_task(reader.readline()) for reader, _ in ends]
            await until(lambda: sum(line.done() for line in lines) == 95)
            assert {line.result() for line in lines if line.done()} == {b"HTTP/1.1 429 Too Many Requests\r\n"}
            assert set(gateway._calls._calls.values()) == {25}
            async with coming_from("127.0.0.1", url) as same:
                assert (await same.get("/api/v1/slots")).status_code == 200
                assert (await same.post(OPEN, json={})).status_code == 200
            await clients.close()
            await asyncio.gather(*lines)
            await until(lambda: not gateway._calls._calls and not gateway._slow_bodies._calls)

    async def test_one_address_has_no_more_calls_than_its_limit(self, clients: Clients, upstreams: Upstreams) -> None:
        upstreams.hold.clear()
        async with running(upstreams, calls_per_address=5) as (gateway, url):
            for _ in range(5):
                await clients.send(url, b"GET /api/v1/slots/never HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: set(gateway._calls._calls.values()) == {5})
            async with coming_from("127.0.0.1", url) as same, coming_from("127.0.0.2", url) as other:
                answer = await same.get("/api/v1/slots")
                assert (answer.status_code, answer.json()["code"]) == (429, "too_many_at_once")
                assert answer.headers["retry-after"] == "1"
                assert (await other.get("/api/v1/slots")).status_code == 200
                assert (await same.get("/health/live")).status_code == 200
            upstreams.hold.set()
            await until(lambda: not gateway._calls._calls)


class TestTokensBeforeBodies:
    @pytest.mark.parametrize("authorization", ["", "Authorization: Bearer none\r\n"])
    @pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
    async def test_a_call_without_a_valid_token_is_refused_before_its_body(
        self, clients: Clients, url: str, authorization: str, expect: str
    ) -> None:
        head = f"POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n{authorization}{expect}\r\n"
        reader, _ = await clients.send(url, head.encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"connection: close" in answer

    async def test_a_call_with_a_token_has_its_body_forwarded(
        self, client: httpx.AsyncClient, token_for: TokenFor
    ) -> None:
        answer = await client.post(
            "/api/v1/bookings", content=b"abc", headers={"Authorization": "Bearer " + token_for()}
        )
        assert (answer.status_code, answer.json()["size"]) == (200, 3)


class TestSlowBodies:
    @pytest.mark.parametrize("drop", [b"", b"x"])
    async def test_a_body_that_does_not_come_in_time_is_408(
        self, clients: Clients, url: str, drop: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(request_body, "BODY_SECONDS", 0.3)
        reader, writer = await clients.send(url, NEVER)
        answer = asyncio.create_task(reader.readuntil(b"}"))
        async with asyncio.timeout(10):
            while not answer.done():
                writer.write(drop)
                await asyncio.wait([answer], timeout=0.02)
        assert answer.result().startswith(b"HTTP/1.1 408 ")
        assert b'"code":"slow_body"' in answer.result()

    async def test_a_client_that_goes_on_sending_gets_its_refusal_whole(self, clients: Clients, url: str) -> None:
        reader, writer = await clients.send(url, NEVER.replace(b"100000", b"100000000"))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        for _ in range(5):  # what is sent to a closed connection resets it, and the answer with it
            writer.write(b"x" * 10_000)
            await asyncio.sleep(0.02)
        rest = await asyncio.wait_for(reader.read(), 10)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close\r\n" in head
        assert b'"code":"too_large"' in rest


class TestLargeBodies:
    @pytest.mark.parametrize(
        ("path", "most"),
        [
            (OPEN, MIB),
            ("/api/v1/bookings", MIB),
            (f"/api/v1/calendar/{UUID(int=1)}/imports", 5 * MIB + 65_536),
            ("/api/v1/media", 8 * MIB),
        ],
    )
    async def test_the_limit_is_the_routes(
        self, client: httpx.AsyncClient, token_for: TokenFor, path: str, most: int
    ) -> None:
        client.headers["Authorization"] = f"Bearer {token_for()}"
        assert (await client.post(path, content=b"x" * most)).json()["size"] == most
        refused = await client.post(path, content=b"x" * (most + 1))
        assert (refused.status_code, refused.json()["limit"]) == (413, most)

    async def test_no_large_body_stays_in_memory(
        self, client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        assert (await client.post(OPEN, content=b"x" * IN_MEMORY_BYTES)).json()["size"] == IN_MEMORY_BYTES
        refused = await client.post(OPEN, content=b"x" * (IN_MEMORY_BYTES + 1))
        assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
