"""What the gateway answers itself: health, metrics and the API's description."""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Scope

from gateway.identity.revocations import Revocations
from gateway.operations import health
from gateway.operations.docs_page import page
from gateway.operations.openapi import OpenApi
from gateway.proxy.call import Call
from gateway.settings import GatewaySettings
from gateway.upstream.client import Upstream
from shared.errors import NotFound
from shared.observability.health import Health

JSON = "application/json"
PAGE_POLICY = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")

Handler = Callable[[Call], Awaitable[None]]


@dataclass
class Operations:
    settings: GatewaySettings
    health: Health
    upstreams: dict[str, Upstream]
    openapi: OpenApi
    revocations: Revocations

    def table(self) -> dict[str, Handler]:
        handlers: dict[str, Handler] = {
            "/health": self.whole,
            "/health/live": self.live,
            "/health/ready": self.ready,
            "/health/db": self.databases,
            "/openapi.json": self.description,
        }
        if self.settings.enable_metrics:
            handlers["/metrics"] = self.metrics
        if self.settings.debug:
            handlers["/docs"] = self.docs
        return handlers

    async def live(self, call: Call) -> None:
        await _json(call, {"status": "alive"})

    async def ready(self, call: Call) -> None:
        """Ready to take calls: a service or the broker being away does not take the others' front door away, once it is
        known which sessions have ended."""
        _, report = await health.system(self.health, self.upstreams)
        await _json(call, report, up=self.revocations.known and not self.health.draining)

    async def whole(self, call: Call) -> None:
        up, report = await health.system(self.health, self.upstreams)
        await _json(call, report, up=up)

    async def databases(self, call: Call) -> None:
        self._inside_only(call)
        up, report = await health.databases(self.health, self.upstreams)
        await _json(call, report, up=up)

    async def metrics(self, call: Call) -> None:
        self._inside_only(call)
        await call.answer(200, generate_latest(), CONTENT_TYPE_LATEST)

    async def description(self, call: Call) -> None:
        await call.answer(200, orjson.dumps(await self.openapi.merged()), JSON)

    async def docs(self, call: Call) -> None:
        body = page(await self.openapi.merged())
        await call.answer(200, body, "text/html; charset=utf-8", [PAGE_POLICY])

    def _inside_only(self, call: Call) -> None:
        if self.settings.environment == "production" and not from_inside(call.scope):
            raise NotFound


def from_inside(scope: Scope) -> bool:
    """A private address, and no sign of a proxy that would have forwarded the call from outside."""
    client = scope.get("client")
    forwarded = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    try:
        return client is not None and not forwarded and ipaddress.ip_address(client[0]).is_private
    except ValueError:
        return False


async def _json(call: Call, report: dict[str, Any], *, up: bool = True) -> None:
    await call.answer(200 if up else 503, orjson.dumps(report), JSON, [] if up else [(b"retry-after", b"2")])
