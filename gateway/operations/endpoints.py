"""The paths that the gateway answers itself: health, metrics and the description of the API."""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Scope

from gateway.errors import MethodNotAllowed, NoParameters
from gateway.identity.revocations import Revocations
from gateway.operations import docs_page, health
from gateway.operations.openapi import OpenApi
from gateway.proxy.call import Call
from gateway.settings import GatewaySettings
from gateway.upstream.client import Upstream
from shared.errors import NotFound
from shared.observability.health import Health

JSON = "application/json"
METHODS = "GET, HEAD, OPTIONS"
INSIDE_ONLY = ("/health/db", "/metrics")

Handler = Callable[[Call], Awaitable[None]]


@dataclass
class Operations:
    settings: GatewaySettings
    health: Health
    upstreams: dict[str, Upstream]
    openapi: OpenApi
    revocations: Revocations

    def handlers(self) -> dict[str, Handler]:
        """Handlers by path."""
        handlers: dict[str, Handler] = {
            "/health": self.system,
            "/health/live": self.live,
            "/health/ready": self.ready,
            "/health/db": self.databases,
            "/openapi.json": self.description,
        }
        if self.settings.enable_metrics:
            handlers["/metrics"] = self.metrics
        if self.settings.debug:
            handlers |= {path: _file_handler(file) for path, file in docs_page.files().items()}
        return handlers

    async def answer(self, call: Call, handler: Handler) -> None:
        if call.path in INSIDE_ONLY:
            self._check_inside(call)
        if call.method == "OPTIONS":
            await call.answer(204, b"", "text/plain", [(b"allow", METHODS.encode())])
            return
        if call.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(headers={"Allow": METHODS})
        if call.scope["query_string"] and not call.path.startswith(docs_page.PATH):
            raise NoParameters(call.scope["query_string"], call.headers.single(b"accept-language"))
        await handler(call)

    async def live(self, call: Call) -> None:
        """Whether the process runs."""
        await _answer_json(call, {"status": "alive"})

    async def ready(self, call: Call) -> None:
        """Whether this process takes calls.

        It does while a service or the broker is away, so that the other services can be reached. It does not before it
        knows which sessions have ended.
        """
        _, report = await health.system_report(self.health, self.upstreams)
        await _answer_json(call, report, up=self.revocations.complete and not self.health.draining)

    async def system(self, call: Call) -> None:
        """Whether all parts of the system are up."""
        up, report = await health.system_report(self.health, self.upstreams)
        await _answer_json(call, report, up=up)

    async def databases(self, call: Call) -> None:
        """Whether all databases are up."""
        up, report = await health.database_report(self.health, self.upstreams)
        await _answer_json(call, report, up=up)

    async def metrics(self, call: Call) -> None:
        await call.answer(200, generate_latest(), CONTENT_TYPE_LATEST)

    async def description(self, call: Call) -> None:
        await call.answer(200, orjson.dumps(await self.openapi.merged()), JSON)

    def _check_inside(self, call: Call) -> None:
        """In production and staging raises NotFound for calls from outside."""
        if self.settings.like_production and not is_inside(call.scope):
            raise NotFound


def is_inside(scope: Scope) -> bool:
    """Whether the caller has a private address and no proxy has forwarded the call."""
    client = scope.get("client")
    forwarded = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    try:
        return client is not None and not forwarded and ipaddress.ip_address(client[0]).is_private
    except ValueError:
        return False


def _file_handler(file: docs_page.File) -> Handler:
    async def answer(call: Call) -> None:
        await call.answer(200, file.body, file.media_type, file.headers)

    return answer


async def _answer_json(call: Call, report: dict[str, Any], *, up: bool = True) -> None:
    await call.answer(200 if up else 503, orjson.dumps(report), JSON, [] if up else [(b"retry-after", b"2")])
