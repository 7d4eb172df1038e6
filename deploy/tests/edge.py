"""The edge as a process: Caddy with our Caddyfile, and clients that write what they like."""

import http.server
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.tests.documents import ROOT
from deploy.tests.test_image import environment, until_alive
from provisioning.processes import free_port
from shared.testing.servers import Servers

CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"
BODY_SECONDS = 3
HEAD_SECONDS = 10
UPGRADE = (
    "Upgrade: WebSocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the head of the call, and keeps the paths it has seen."""

    protocol_version = "HTTP/1.1"
    paths: list[str] = []  # noqa: RUF012 - of the one server

    def handle_call(self) -> None:
        self.paths.append(self.path)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = str(self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_HEAD = handle_call  # noqa: N815 - names of the standard library

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def edge(caddy: str, folder: Path, upstream: int) -> Iterator[int]:
    """Its port for HTTPS; its log is in `folder`."""
    ports = {name: free_port() for name in ("EDGE_HTTP_PORT", "EDGE_HTTPS_PORT", "EDGE_HEALTH_PORT")}
    values = {name: str(port) for name, port in ports.items()} | {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "EDGE_GATEWAY": "127.0.0.1",
        "EDGE_GATEWAY_PORT": str(upstream),
        "EDGE_BODY_TIMEOUT": f"{BODY_SECONDS}s",
    }
    command: list[str | Path] = [caddy, "run", "--config", CADDYFILE, "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=values, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while b"204" not in plain(ports["EDGE_HEALTH_PORT"], b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        yield ports["EDGE_HTTPS_PORT"]
    finally:
        process.terminate()
        process.wait(10)


def plain(port: int, data: bytes) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(data)
            return connection.recv(65_536)
    except OSError:
        return b""


@contextmanager
def connected(port: int, source: str = "127.0.0.1") -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # Caddy's own certificate of localhost
    raw = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
    with context.wrap_socket(raw, server_hostname="localhost") as connection:
        yield connection


def answer(connection: ssl.SSLSocket) -> bytes:
    """All that comes until the peer closes or has sent a whole answer with its length."""
    data = b""
    try:
        while part := connection.recv(65_536):
            data += part
            head, found, body = data.partition(b"\r\n\r\n")
            length = [line for line in head.lower().splitlines() if line.startswith(b"content-length:")]
            if found and length and len(body) >= int(length[0].split(b":")[1]):
                break
    except (ConnectionError, ssl.SSLError):
        pass
    return data


def call(port: int, data: bytes, source: str = "127.0.0.1") -> bytes:
    with connected(port, source) as connection:
        connection.sendall(data)
        return answer(connection)


def get(*lines: str, path: str = "/") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


@contextmanager
def gateway_process(servers: Servers, echo: int, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    urls = {f"{name}_URL": f"http://127.0.0.1:{echo}" for name in ("AUTH", "BOOKING", "CALENDAR", "GDPR")}
    variables = environment(servers, TRUSTED_PROXIES="127.0.0.1", NOTIFICATIONS_URL=urls["AUTH_URL"], **urls)
    variables["WEBSOCKET_DRAIN_SECONDS"] = "0"
    command = [sys.executable, "-m", "gateway", "--port", str(port)]
    with (folder / "gateway").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        until_alive(process, port)
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def forwarded_for(answer: str) -> str:
    (line,) = [line for line in answer.splitlines() if line.lower().startswith("x-forwarded-for:")]
    return line.partition(":")[2].strip()
