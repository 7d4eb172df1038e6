"""Attacks on the edge: Caddy with our Caddyfile, in front of the gateway and of a server that repeats what it gets."""

import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.tests.edge import (
    BODY_SECONDS,
    HEAD_SECONDS,
    UPGRADE,
    Echo,
    answer,
    call,
    connected,
    edge,
    forwarded_for,
    gateway_process,
    get,
)
from provisioning.servers import install
from shared.testing.servers import Servers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def caddy() -> str:
    if shutil.which("caddy") is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            pytest.skip("needs caddy, or root and apt-get to install it")
        try:
            install("caddy")
        except subprocess.CalledProcessError:
            pytest.skip("needs the package caddy, which cannot be had here")
    return "caddy"


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def port(caddy: str, echo: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with edge(caddy, tmp_path_factory.mktemp("edge"), echo) as port:
        yield port


class TestRequests:
    def test_a_call_arrives_and_its_answer_asks_for_https_from_now_on(self, port: int) -> None:
        data = call(port, get())
        assert data.startswith(b"HTTP/1.1 200")
        assert b"strict-transport-security: max-age=31536000" in data.lower()
        assert b"\r\nserver:" not in data.lower()

    @pytest.mark.parametrize(
        "data",
        [
            b"GET /\r\n\r\n",
            b"GET / RTSP/1.0\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 25_000 + b"\r\n\r\n",
            get("Upgrade: websocket", "Connection: Upgrade", path="/" + "x" * 25_000),
        ],
        ids=lambda data: data[:40].decode().split("\r\n")[0],
    )
    def test_what_is_no_call_does_not_arrive(self, port: int, data: bytes) -> None:
        before = len(Echo.paths)
        assert call(port, data).split(b" ")[1][:1] in (b"4", b"5")
        assert len(Echo.paths) == before

    def test_an_upgrade_that_is_no_websocket_is_ignored(self, port: int) -> None:
        upgrade = "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
        data = call(port, f"POST / HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert data.startswith(b"HTTP/1.1 200")
        assert b"\nupgrade:" not in data.lower()

    def test_a_body_larger_than_the_largest_route_is_refused(self, port: int) -> None:
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {9 * 2**20 + 1}\r\n\r\n".encode()
        with connected(port) as connection:
            connection.sendall(head)
            try:
                for _ in range(9):
                    connection.sendall(bytes(2**20))
                connection.sendall(b"x")
            except (ConnectionError, ssl.SSLError):
                pass
            assert not answer(connection).startswith(b"HTTP/1.1 2")
        body = bytes(9 * 2**20)
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        assert call(port, head + body).startswith(b"HTTP/1.1 200")


class TestSlowClients:
    def test_a_head_that_does_not_end_is_cut(self, port: int) -> None:
        with connected(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            started = time.monotonic()
            assert not answer(connection).startswith(b"HTTP/1.1 2")
            assert time.monotonic() - started < HEAD_SECONDS + 15

    def test_a_body_that_does_not_come_is_cut_while_others_are_served(self, port: int) -> None:
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx"
        with connected(port) as slow:
            slow.sendall(head)
            assert call(port, get()).startswith(b"HTTP/1.1 200")
            started = time.monotonic()
            ended = answer(slow)  # Caddy 2.6 ends it with an empty answer
            assert b"X-Forwarded-For" not in ended, "the server behind has answered"
            assert slow.recv(1) == b"", "it is open"
            assert time.monotonic() - started < BODY_SECONDS + 15


class TestAddresses:
    def test_a_stranger_cannot_claim_an_address_or_a_scheme(self, port: int) -> None:
        claims = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example")
        data = call(port, get(*claims), source="127.0.0.9").decode()
        forwarded = [line for line in data.splitlines() if line.lower().startswith("x-forwarded-")]
        assert sorted(forwarded) == [
            "X-Forwarded-For: 127.0.0.9",
            "X-Forwarded-Host: localhost",
            "X-Forwarded-Proto: https",
        ]


@pytest.fixture(scope="module")
def both(
    caddy: str, echo: int, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, int]]:
    """The ports of the edge and of a gateway behind it."""
    folder = tmp_path_factory.mktemp("both")
    with gateway_process(servers, echo, folder) as (_, gateway), edge(caddy, folder, gateway) as port:
        yield port, gateway


class TestWithTheGateway:
    def test_clients_are_told_apart(self, both: tuple[int, int]) -> None:
        """Behind the edge by their own addresses; whoever goes round the edge cannot claim one."""
        port, gateway = both
        for source in ("127.0.0.2", "127.0.0.3"):
            data = call(port, get("X-Forwarded-For: 192.0.2.1", path="/api/v1/services"), source).decode()
            assert forwarded_for(data) == source
        with socket.create_connection(("127.0.0.1", gateway), 10, source_address=("127.0.0.4", 0)) as direct:
            direct.sendall(get("X-Forwarded-For: 192.0.2.1", "Connection: close", path="/api/v1/services"))
            data = b"".join(iter(lambda: direct.recv(65_536), b"")).decode()
        assert forwarded_for(data) == "127.0.0.4"

    def test_a_websocket_stays_open_for_longer_than_a_body_may_take(self, both: tuple[int, int]) -> None:
        with connected(both[0]) as connection:
            connection.sendall(get(*UPGRADE, path=f"/ws/loctician/{uuid4()}"))
            assert connection.recv(65_536).startswith(b"HTTP/1.1 101")
            connection.settimeout(BODY_SECONDS + 2)
            received = iter(lambda: connection.recv(65_536), b"")
            with pytest.raises(TimeoutError):
                list(received)

    @pytest.mark.parametrize(
        "data",
        [
            get(*UPGRADE, f"X: {'x' * 9_000}", path="/ws"),
            get(*UPGRADE, path=f"/ws?token={'x' * 9_000}"),
            get(*UPGRADE, *(f"X-{number}: x" for number in range(140)), path="/ws"),
            get(*UPGRADE, "Content-Length: 100", path="/ws"),
            get(*UPGRADE, "Transfer-Encoding: chunked", path="/ws"),
        ],
        ids=["header", "query", "headers", "length", "chunked"],
    )
    def test_an_upgrade_that_cannot_be_read_is_refused(self, both: tuple[int, int], data: bytes) -> None:
        with connected(both[0]) as connection:
            connection.settimeout(12)  # seconds
            connection.sendall(data)
            status = answer(connection).split(b" ")[1]
        assert status[:1] == b"4", status

    def test_a_body_without_a_token_is_refused_before_it_comes(self, both: tuple[int, int]) -> None:
        head = b"POST /api/v1/bookings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
        with connected(both[0]) as connection:
            connection.settimeout(60)  # seconds; a gateway that waited for the body would answer 408
            connection.sendall(head)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 401")

    def test_slow_bodies_of_one_client_do_not_shut_out_another(self, both: tuple[int, int]) -> None:
        head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with ExitStack() as stack:
            for _ in range(120):
                connection = stack.enter_context(connected(both[0], "127.0.0.7"))
                connection.sendall(head + b"Content-Length: 100\r\n\r\n")
            assert call(both[0], get(path="/api/v1/services"), "127.0.0.8").startswith(b"HTTP/1.1 200")

    def test_the_log_has_no_address_of_a_call(self, caddy: str, echo: int, servers: Servers, tmp_path: Path) -> None:
        with gateway_process(servers, echo, tmp_path) as (process, gateway), edge(caddy, tmp_path, gateway) as port:
            process.terminate()
            process.wait(30)
            assert b" 502 " in call(port, get(path="/offers/secret-of-a-link?token=secret-of-a-link"))
        assert "secret-of-a-link" not in (tmp_path / "log").read_text()
