"""The client's address: the gateway may name it in X-Forwarded-For, other clients may not."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from services.auth.tests.conftest import EMAIL, PASSWORD, Register, bearer
from shared.testing.waiting import until


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Auth behind a real server, as in service, on an address of loopback that the gateway may speak from."""
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


async def test_session_has_the_address_that_the_gateway_names(served: str, register: Register) -> None:
    await register()
    async with httpx.AsyncClient(base_url=served) as gateway:
        body = {"email": EMAIL, "password": PASSWORD}
        headers = {"X-Forwarded-For": "203.0.113.7"}
        tokens = (await gateway.post("/api/v1/auth/login", json=body, headers=headers)).json()
        items = (await gateway.get("/api/v1/auth/sessions", headers=bearer(tokens))).json()["items"]
    assert [item["address"] for item in items] == ["203.0.113.7"]


async def test_other_clients_cannot_name_an_address(served: str, register: Register) -> None:
    await register()
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(base_url=served, transport=transport) as stranger:
        body = {"email": EMAIL, "password": PASSWORD}
        headers = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7", "X-Real-IP": "203.0.113.7"}
        tokens = (await stranger.post("/api/v1/auth/login", json=body, headers=headers)).json()
        items = (await stranger.get("/api/v1/auth/sessions", headers=bearer(tokens))).json()["items"]
    assert [item["address"] for item in items] == ["127.0.0.2"]
