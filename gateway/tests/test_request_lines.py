"""Attacks by the request line, the Host header (RFC 9112, 3), headers that do not end, and trailers."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.proxy.paths import is_host_valid
from gateway.tests.conftest import Upstreams, raw, running
from gateway.tests.support import UPGRADE, Clients

POST = b"POST /api/v1/bookings/check-availability HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSE = b"Connection: close\r\n\r\n"


class TestVersions:
    @pytest.mark.parametrize("version", [b" HTTP/0.9", b" HTTP/2.0", b""])
    async def test_only_http_1_is_forwarded(self, url: str, upstreams: Upstreams, version: bytes) -> None:
        upstreams.seen.clear()
        answer = await raw(url, b"GET /api/v1/slots" + version + b"\r\nHost: x\r\n" + CLOSE)
        assert answer.status in {400, 505}
        assert upstreams.seen == []

    @pytest.mark.parametrize("line", [b" HTTP/3.0", b" HTTP/1.2", b" http/1.1", b" XTTP/1.1", b" HTTP/1"])
    async def test_other_versions_are_400(self, url: str, upstreams: Upstreams, line: bytes) -> None:
        upstreams.seen.clear()
        assert (await raw(url, b"GET /api/v1/slots" + line + b"\r\nHost: x\r\n" + CLOSE)).status == 400
        assert upstreams.seen == []

    async def test_no_websocket_opens_in_http_2_0(self, clients: Clients, url: str) -> None:
        reader, _ = await clients.send(url, b"GET /ws HTTP/2.0\r\nHost: x\r\n" + UPGRADE + b"\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 505 ")


class TestHost:
    @pytest.mark.parametrize(
        "hosts",
        [
            b"",
            b"Host: a\r\nHost: a\r\n",
            b"Host: a\r\nhost: b\r\n",
            b"Host:\r\n",
            b"Host: a b\r\n",
            b"Host: a/b\r\n",
            b"Host: user@a\r\n",
            b"Host: http://a\r\n",
            b"Host: a:b\r\n",
            b"Host: a, b\r\n",
            b"Host: [::1\r\n",
            b"Host: \xff\r\n",
            b"Host: " + b"a" * 300 + b"\r\n",
        ],
    )
    async def test_a_missing_repeated_or_malformed_host_is_400(
        self, clients: Clients, url: str, upstreams: Upstreams, hosts: bytes
    ) -> None:
        upstreams.seen.clear()
        assert (await raw(url, b"GET /api/v1/slots HTTP/1.1\r\n" + hosts + CLOSE)).status == 400
        assert upstreams.seen == []
        reader, _ = await clients.send(url, b"GET /ws HTTP/1.1\r\n" + hosts + UPGRADE + b"\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 ")

    @pytest.mark.parametrize(
        "host",
        [b"a", b"salon.example:8443", b"127.0.0.1:8000", b"[::1]", b"[2001:db8::1]:80", b"a_b"],
    )
    async def test_usual_hosts_are_accepted(self, url: str, host: bytes) -> None:
        assert (await raw(url, b"GET /api/v1/slots HTTP/1.1\r\nHost: " + host + b"\r\n" + CLOSE)).status == 200

    def test_only_http_1_0_may_leave_it_out(self) -> None:
        assert is_host_valid([], "1.0")
        assert not is_host_valid([], "1.1")


class TestEndless:
    @pytest.mark.parametrize(
        ("begin", "piece"),
        [
            (b"GET /", b"x" * 8_000),
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y" * 8_000),
            (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n" * 1_000),
            (POST + b"5;", b"x" * 8_000),
            (POST + b"1\r\na\r\n0\r\n", b"X: y\r\n" * 1_000),
            (POST + b"1\r\na\r\n0\r\nX: ", b"y" * 8_000),
        ],
        ids=["target", "header", "headers", "chunk", "trailers", "trailer"],
    )
    async def test_what_does_not_end_is_refused(
        self, clients: Clients, url: str, upstreams: Upstreams, begin: bytes, piece: bytes
    ) -> None:
        upstreams.seen.clear()
        reader, writer = await clients.send(url, begin)
        answer = asyncio.create_task(reader.read(12))
        sent = 0
        async with asyncio.timeout(10):
            while not answer.done():
                writer.write(piece)
                await asyncio.wait([answer], timeout=0.02)
                sent += len(piece)
        assert answer.result() == b"HTTP/1.1 400"
        assert sent < 1_000_000
        assert upstreams.seen == []

    async def test_a_long_body_in_many_chunks_is_not(self, client: httpx.AsyncClient) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(3_000):
                yield b"x" * 100

        assert (await client.post("/api/v1/bookings/check-availability", content=chunks())).json()["size"] == 300_000


class TestTrailers:
    async def test_they_do_not_become_headers(self, url: str) -> None:
        trailers = b"X-Evil: 1\r\nX-Forwarded-For: 192.0.2.7\r\nHost: b\r\n"
        head = POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\nTrailer: X-Evil, X-Forwarded-For\r\n\r\n")
        answer = await raw(url, head + b"1\r\na\r\n0\r\n" + trailers + b"\r\n")
        assert answer.status == 200
        assert b"x-evil" not in answer.body
        assert b"192.0.2.7" not in answer.body

    async def test_they_do_not_name_the_client_behind_a_proxy(self, upstreams: Upstreams) -> None:
        async with running(upstreams, trusted_proxies="127.0.0.1") as (_, url):
            head = POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
            answer = await raw(url, head + b"1\r\na\r\n0\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
        assert b'["x-forwarded-for","192.0.2.1"]' in answer.body
