"""A real gateway in front of real servers on loopback, all in the test's own event loop."""

import asyncio
import hashlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx
import jwt
import orjson
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.types import Receive, Scope, Send

from gateway.__main__ import OPTIONS
from gateway.main import Gateway
from gateway.settings import SERVICES, GatewaySettings
from gateway.tests.support import Clients, declare_topology
from shared.messaging.events import new_id
from shared.testing.servers import Servers, vhost
from shared.testing.types import TokenFor
from shared.testing.waiting import until

KID = "test-key"
NO_BROKER = "amqp://127.0.0.1:1/"
BIG = 20_000_000
ANSWERED = [(b"server", b"secret/1"), (b"set-cookie", b"a=1"), (b"x-frame-options", b"SAMEORIGIN")]
SERVERS: dict[str, uvicorn.Server] = {}  # by address, those that run
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Application, **options: Any) -> AsyncIterator[str]:
    """The app on a free port; its address."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so asyncio sets TCP_NODELAY
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, **({"access_log": False, "proxy_headers": False} | options))
    server = Server(config)
    running = asyncio.create_task(server.serve(sockets=[bound]))
    await until(lambda: server.started)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    SERVERS[url] = server
    try:
        yield url
    finally:
        del SERVERS[url]
        server.should_exit = True
        await asyncio.wait_for(running, 10)
        bound.close()


@dataclass
class Upstreams:
    """Stand-ins for the services. They record what reaches them; some paths make them misbehave."""

    signing_key: rsa.RSAPrivateKey
    urls: dict[str, str] = field(default_factory=dict)
    jwks_fetches: int = 0
    jwks_status: int = 200
    peers: set[tuple[str, int]] = field(default_factory=set)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[str] = field(default_factory=list)
    amqp_url: str = NO_BROKER
    jwks: list[dict[str, Any]] | None = None  # instead of the one key
    notices: list[dict[str, Any]] = field(default_factory=list)  # newest first
    inbox_status: int = 200
    inbox_asked: list[str] = field(default_factory=list)  # with which Authorization
    inbox_open: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self, service: str) -> Application:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                for done in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{done}.complete"})
                return
            if scope["path"] != "/health/ready":  # which the gateway asks by itself
                self.peers.add(tuple(scope["client"]))
                self.seen.append(scope["path"])
            last = scope["path"].rsplit("/", 1)[-1]
            special = getattr(self, f"_{last.replace('.', '_').replace('-', '_')}", None)
            await (special(scope, receive, send) if special else self._echo(service, scope, receive, send))

        return answer

    async def _echo(self, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        body, pieces, more = b"", 0, True
        while more:
            message = await receive()
            body, pieces, more = body + message.get("body", b""), pieces + 1, message.get("more_body", False)
        report = {
            "service": service,
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
            "sha256": hashlib.sha256(body).hexdigest(),
            "size": len(body),
        }
        await reply(send, 200, orjson.dumps(report), ANSWERED)

    async def _jwks_json(self, _: Scope, __: Receive, send: Send) -> None:
        self.jwks_fetches += 1
        keys = [jwk_of(self.signing_key)] if self.jwks is None else self.jwks
        await reply(send, self.jwks_status, orjson.dumps({"keys": keys}))

    async def _notifications(self, scope: Scope, _: Receive, send: Send) -> None:
        """The inbox as notifications answers it: notices later than `after`, oldest first."""
        query = dict(parse_qsl(scope["query_string"].decode()))
        self.inbox_asked.append(dict(scope["headers"])[b"authorization"].decode())
        later = [notice for notice in self.notices if notice["id"] > query["after"]]
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        more = str(start + limit) if len(later) > start + limit else None
        page = orjson.dumps({"items": later[start : start + limit], "next_cursor": more})
        await self.inbox_open.wait()
        await reply(send, self.inbox_status, page)

    async def _login(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accepts the password "right"."""
        if scope["method"] != "POST":
            await self._echo("auth", scope, receive, send)
            return
        body = orjson.loads((await receive())["body"])
        await reply(send, 200 if body["password"] == "right" else 401, orjson.dumps(body))

    async def _page(self, _: Scope, __: Receive, send: Send) -> None:
        await reply(send, 200, b"<p>", [(b"content-security-policy", b"default-src 'self'")])

    async def _big(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _part in range(BIG // 100_000):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body"})

    async def _drip(self, _: Scope, __: Receive, send: Send) -> None:
        """Sends the first piece at once and the second after `hold` is set."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await self.hold.wait()
        await send({"type": "http.response.body", "body": b"second"})

    async def _cut(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        # returning now makes the server close the connection

    async def _never(self, _: Scope, __: Receive, send: Send) -> None:
        await self.hold.wait()
        await reply(send, 200, b"{}")

    async def _empty(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def _ready(self, _: Scope, __: Receive, send: Send) -> None:
        await reply(send, 200, b'{"status": "ready", "parts": {}}')

    async def _openapi_json(self, scope: Scope, _: Receive, send: Send) -> None:
        own = scope["server"][1]
        service = next(name for name, url in self.urls.items() if url.endswith(f":{own}"))
        path = {"auth": "/api/v1/users/me", "booking": "/api/v1/slots", "calendar": "/api/v1/audit"}.get(service, "/x")
        schema = {"$ref": "#/components/schemas/Thing"}
        document = {
            "paths": {path: {"get": {"summary": f"<{service}>", "x-schema": schema}}},
            "components": {"schemas": {"Thing": {"title": service}, "Same": {"type": "string"}}},
        }
        await reply(send, 200, orjson.dumps(document))


def jwk_of(key: rsa.RSAPrivateKey, kid: str = KID) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


async def reply(send: Send, status: int, body: bytes, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def broker(broker: str) -> str:
    """Prepared for the gateway."""
    await declare_topology(broker)
    return broker


@pytest.fixture(scope="session")
async def upstreams(signing_key: rsa.RSAPrivateKey, servers: Servers) -> AsyncIterator[Upstreams]:
    upstreams = Upstreams(signing_key)
    upstreams.inbox_open.set()
    with vhost(servers) as upstreams.amqp_url:
        await declare_topology(upstreams.amqp_url)
        async with _all_serving(upstreams, list(SERVICES)):
            yield upstreams


@asynccontextmanager
async def _all_serving(upstreams: Upstreams, names: list[str]) -> AsyncIterator[None]:
    if not names:
        yield
        return
    async with serving(upstreams.app(names[0])) as upstreams.urls[names[0]], _all_serving(upstreams, names[1:]):
        yield


def settings_for(upstreams: Upstreams, **values: object) -> GatewaySettings:
    urls = {f"{name}_url": url for name, url in upstreams.urls.items()}
    base: dict[str, object] = {
        "environment": "test",
        "database_url": "postgresql://nobody@127.0.0.1:1/none",
        "amqp_url": upstreams.amqp_url,
        "secret_key": "test-secret-key-of-at-least-32-characters",
        "cors_origins": "https://salon.example",
    }
    return GatewaySettings.model_validate(base | urls | values)


@asynccontextmanager
async def running(
    upstreams: Upstreams, options: dict[str, Any] | None = None, **values: object
) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway that has read the revocations, with the server options of the process; and its address."""
    gateway = Gateway(settings_for(upstreams, **values))
    async with serving(gateway, **(OPTIONS | (options or {}))) as url:
        await until(lambda: gateway.revocations.complete)
        yield gateway, url


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    clients = Clients()
    yield clients
    await clients.close()


@pytest.fixture(scope="session")
async def gateway(upstreams: Upstreams) -> AsyncIterator[Gateway]:
    async with running(upstreams, debug=True) as (gateway, url):
        gateway.url = url  # type: ignore[attr-defined]
        yield gateway


@pytest.fixture(scope="session")
def url(gateway: Gateway) -> str:
    return str(gateway.url)  # type: ignore[attr-defined]


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def token_for(signing_key: rsa.RSAPrivateKey) -> TokenFor:
    def make(role: str = "customer", user: UUID | None = None, **overrides: Any) -> str:
        usual = "ticket+jwt" if str(overrides.get("aud")).endswith("-ws") else "at+jwt"
        typ = overrides.pop("typ", usual)
        return jwt.encode(claims_for(role, user) | overrides, signing_key, "RS256", {"kid": KID, "typ": typ})

    return make


def claims_for(role: str = "customer", user: UUID | None = None) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": "http://127.0.0.1:8000",
        "aud": "loctician",
        "sub": str(user or new_id()),
        "sid": str(new_id()),
        "jti": str(new_id()),
        "role": role,
        "iat": now,
        "nbf": now,
        "exp": now + 1800,
    }


@dataclass
class RawAnswer:
    status: int
    head: bytes
    body: bytes


async def raw(url: str, request: bytes) -> RawAnswer:
    """Sends bytes as they are. The request must ask the server to close the connection."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return RawAnswer(int(head.split(b" ", 2)[1]), head, body)
