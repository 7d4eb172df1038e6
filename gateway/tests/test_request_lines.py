"""Attacks by the request line and by the Host header (RFC 9112, 3)."""

import asyncio

import pytest

from gateway.proxy.paths import is_host_valid
from gateway.tests.conftest import Upstreams, raw
from gateway.tests.support import UPGRADE, Clients

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
