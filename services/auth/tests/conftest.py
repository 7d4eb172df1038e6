from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.auth.main import SERVICE, setup
from shared.app import Service

PASSWORD = "et langt kodeord"
EMAIL = "kirsten@example.com"


@pytest.fixture
def service() -> Service:
    return SERVICE


@pytest.fixture
async def app(app: FastAPI) -> FastAPI:
    """Auth trusts its own keys, as in service, and not the tests'."""
    setup(app)
    return app


Register = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def register(client: httpx.AsyncClient) -> Register:
    async def send(email: str = EMAIL, **more: Any) -> httpx.Response:
        body = {"email": email, "password": PASSWORD, "full_name": "Kirsten Ærø", **more}
        return await client.post("/api/v1/auth/register", json=body)

    return send


Login = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def login(client: httpx.AsyncClient) -> Login:
    async def send(email: str = EMAIL, password: str = PASSWORD) -> dict[str, Any]:
        answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return send


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}
