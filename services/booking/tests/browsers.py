"""Browsers of people who are not signed in: each with its own cookies and its own address."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from services.booking.tests.conftest import booking_body
from shared.http.browsers import COOKIE


@dataclass
class BrowserOf:
    """`sign_in`: the headers of somebody who signs in with this browser."""

    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, f"/api/v1{path}", json=json, headers=self.headers | named)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.send("GET", path, **headers)

    async def post(self, path: str, json: Any = None, **headers: str) -> httpx.Response:
        return await self.send("POST", path, json, **headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.send("DELETE", path)

    async def hold(self, start: datetime, *services: UUID, **more: Any) -> httpx.Response:
        return await self.post("/bookings/holds", booking_body(start, *services, **more))

    @property
    def cookie(self) -> str | None:
        return self.client.cookies.get(COOKIE)


NewBrowser = Callable[..., BrowserOf]


def new_browser(client: httpx.AsyncClient, address: str = "192.0.2.1") -> BrowserOf:
    """A browser without cookies that calls the same application from this address."""
    transport: Any = client._transport
    own = httpx.ASGITransport(transport.app, client=(address, 40_000))
    return BrowserOf(httpx.AsyncClient(transport=own, base_url="https://test"))
