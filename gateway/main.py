"""The gateway: a plain ASGI application that wires its parts together."""

import asyncio
import gc
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

from domain.roles import Role
from gateway.errors import (
    AddressTooLong,
    BadHost,
    BadPath,
    HeadersTooLarge,
    OriginNotAllowed,
    VersionNotSupported,
)
from gateway.identity.authentication import Authentication
from gateway.identity.revocations import Revocations
from gateway.identity.tickets import Tickets
from gateway.jobs import JOBS
from gateway.limits.limiter import Limiter
from gateway.operations.endpoints import Operations
from gateway.operations.health import watch_database
from gateway.operations.openapi import OpenApi
from gateway.proxy import headers, paths, routes
from gateway.proxy.call import Call, ClientGoneError
from gateway.proxy.client_address import TrustedProxies, client_network
from gateway.proxy.concurrency import CallsAtOnce
from gateway.proxy.cors import Cors
from gateway.proxy.forwarding import Proxy
from gateway.proxy.request_body import check_framing
from gateway.proxy.routes import Route
from gateway.realtime.feed import Feed
from gateway.realtime.hub import Hub
from gateway.realtime.resume import Inbox
from gateway.realtime.revocation_stream import RevocationStream
from gateway.realtime.sockets import Sockets
from gateway.settings import GatewaySettings
from gateway.upstream.client import Upstream
from keys.tokens import TokenVerifier
from shared.database.session import Database
from shared.errors import NotFound, ProblemError
from shared.http.shutdown import before_shutdown
from shared.identity.tokens import RemoteJwks
from shared.jobs import run_jobs
from shared.messaging.broker import supervise
from shared.observability import tracing
from shared.observability.context import begin
from shared.observability.health import Health
from shared.observability.log import configure, logger
from shared.observability.metrics import HttpDurations, known_method
from shared.settings import broker_url, load

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.sampling import Sampler

    from shared.observability.telemetry_export import Span

HTTP_VERSIONS = frozenset({"1.1", "1.0"})
START_SECONDS = 5.0  # at most, for which a gateway that starts takes no connections
CLIENT_CLOSED_REQUEST = 499  # in metrics: the client left before an answer had begun
SECRET_IN_QUERY = re.compile(r"((?:token|ticket)=)[^&\s\"']+")

log = logger(__name__)
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gateway:
    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.health = Health("gateway", settings.environment)
        self.upstreams = {
            name: Upstream(
                urls,
                name=name,
                limit=settings.upstream_connections,
                connect_seconds=settings.upstream_connect_seconds,
                idle_seconds=settings.upstream_idle_seconds,
            )
            for name, urls in settings.upstream_urls().items()
        }
        keys = RemoteJwks(settings.keys_url)
        self.verifier = TokenVerifier(keys, settings.public_url, settings.jwt_audience, tuple(Role))
        self.database = Database.from_settings(settings, "gateway")
        self.hub = Hub(
            settings.websockets_per_user,
            settings.websockets_per_address,
            settings.websockets_at_most,
            settings.websocket_queue,
        )
        amqp_url = broker_url(settings, "gateway")
        self.feed = Feed(amqp_url, self.hub, self.health)
        self.revocations = Revocations(settings.access_token_expire_minutes * 60)
        own_keys = self.database.keys
        self.revocation_stream = RevocationStream(amqp_url, own_keys, self.revocations, self.hub, self.health)
        self.trusted_proxies = TrustedProxies(settings.trusted_proxies)
        authentication = Authentication(self.verifier, self.revocations)
        self.limiter = Limiter(settings, authentication, self.database)
        self._calls = CallsAtOnce(settings.calls_per_address)
        # Half of them, so that slow bodies leave room for other calls from behind the same address.
        self._slow_bodies = CallsAtOnce(max(1, settings.calls_per_address // 2))
        self._proxy = Proxy(settings, self.upstreams)
        tickets = Tickets(keys, settings.public_url, settings.jwt_audience, self.database)
        # Browsers send no preflight for a WebSocket, so pages of our own origin are checked too.
        pages = Cors([*settings.cors_origins, headers.origin_of(settings.public_url)])
        inbox = Inbox(self.upstreams["notifications"])
        self._sockets = Sockets(self.hub, authentication, tickets, inbox, pages, self.limiter, self._calls)
        openapi = OpenApi(self.upstreams)
        self._operations = Operations(settings, self.health, self.upstreams, openapi, self.revocations)
        self._own = self._operations.handlers()
        self._cors = Cors(settings.cors_origins)
        secure = settings.public_url.startswith("https://")
        self._security = headers.SECURITY + ([headers.STRICT_TRANSPORT] if secure else [])
        self._without_origin = self._security + self._cors.headers("")
        self._durations = HttpDurations("gateway")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        self.trusted_proxies.resolve(scope)
        if scope["type"] == "http":
            await self._http(Call(scope, receive, send, self._slow_bodies))
        else:
            await self._sockets(scope, receive, send)

    async def _http(self, call: Call) -> None:
        started = time.perf_counter()
        parent = tracing.valid_traceparent(call.headers.single(b"traceparent"))
        traced = tracing.active() and call.path not in self._own
        span = tracing.begin("HTTP", "server", parent) if traced else None
        origin = call.headers.single(b"origin")
        call.common = self._security + self._cors.headers(origin) if origin else self._without_origin
        if self.health.draining:
            call.common = [*call.common, headers.CLOSE]  # so that the client's next call goes to another replica
        begin(request_id=call.request_id, traceparent=span.traceparent if span else parent)
        try:
            try:
                await self._respond(call)
            except ProblemError as error:
                await call.problem(error)
        except ClientGoneError:
            call.status = call.status or CLIENT_CLOSED_REQUEST
        finally:
            self._record(call, time.perf_counter() - started, span)

    async def _respond(self, call: Call) -> None:
        _check(call)
        if call.method == "OPTIONS" and b"access-control-request-method" in call.headers.values:
            await self._preflight(call)
            return
        handler = self._own.get(call.path)
        if handler is not None:
            call.route = call.path
            await self._operations.answer(call, handler)
            return
        route = self._route(call)
        network = client_network(call.scope)
        self._calls.enter(network)
        try:
            if call.has_body:
                check_framing(call, route.max_body)
            await self.limiter.admit(call)
            await self._proxy.forward(call, route)
        finally:
            self._calls.leave(network)
        self.limiter.remember(call)

    def _route(self, call: Call) -> Route:
        route = routes.find(call.path)
        if route is None:
            raise NotFound
        call.route = route.path
        return route

    async def _preflight(self, call: Call) -> None:
        origin = call.headers.single(b"origin")
        if not origin or not self._cors.allows(origin):
            raise OriginNotAllowed
        await call.answer(204, b"", "text/plain", Cors.PREFLIGHT)

    def _record(self, call: Call, seconds: float, span: "Span | None") -> None:
        method, status = known_method(call.method), call.status or 500
        self._durations.observe(method, call.route, status, seconds)
        if span is not None:
            span.end_call(method, call.route, status)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        tasks = [asyncio.create_task(work, name=name) for name, work in self._background().items()]
        with before_shutdown(self._drain):
            await self._learn_of_ended_sessions()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        self.health.draining = self.hub.draining = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for upstream in self.upstreams.values():
            upstream.close()
        await self.limiter.close()
        await self.database.close()
        await tracing.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _learn_of_ended_sessions(self) -> None:
        """Waits for them before the server listens: a signed-in call that came earlier would be answered 503, although
        another gateway could serve it. Without a broker the server does not wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.revocation_stream.tried.wait()

    def _background(self) -> dict[str, Coroutine[Any, Any, None]]:
        for name in ("feed", "revocations", "database"):
            self.health.expect(name)
        return {
            "feed": supervise("feed", self.feed.run, self.health),
            "revocations": supervise("revocations", self.revocation_stream.run, self.health),
            "database": watch_database(self.database, self.health),
            "jobs": run_jobs(self.database, JOBS),
            **{f"replicas of {name}": upstream.replicas.watch() for name, upstream in self.upstreams.items()},
        }

    async def _drain(self) -> None:
        self.health.draining = True
        sockets = self.hub.drain(self.settings.websocket_drain_seconds)
        await asyncio.gather(sockets, asyncio.sleep(self.settings.seconds_to_drain))


def _check(call: Call) -> None:
    """Refuses calls that no service should see. Raises ProblemError."""
    scope = call.scope
    if scope["http_version"] not in HTTP_VERSIONS:
        raise VersionNotSupported
    if not paths.is_host_valid(call.headers.values.get(b"host", ()), scope["http_version"]):
        raise BadHost
    if len(scope["raw_path"]) + len(scope["query_string"]) > paths.MAX_TARGET_BYTES:
        raise AddressTooLong
    if call.headers.size > headers.MAX_HEADER_BYTES:
        raise HeadersTooLarge
    if not paths.is_plain(scope["raw_path"]):
        raise BadPath


def hide_secrets(record: logging.LogRecord) -> bool:
    """A log filter: uvicorn logs the address of each WebSocket, which may contain a token."""
    if isinstance(record.args, tuple):
        record.args = tuple(SECRET_IN_QUERY.sub(r"\1***", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True


def ignore_callers_sampling(sampler: "Sampler") -> "Sampler":
    from gateway.operations.sampling import OwnDecision  # loaded only if tracing is on

    return OwnDecision(sampler)


def create() -> Application:
    """The application with settings from the environment. uvicorn calls it."""
    settings = load(GatewaySettings)
    configure("gateway", settings.log_level, settings.environment)
    tracing.configure("gateway", settings, ignore_callers_sampling)
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).addFilter(hide_secrets)
    gateway = Gateway(settings)
    gc.collect()
    gc.freeze()  # objects made so far live as long as the process: the collector need not visit them
    return gateway
