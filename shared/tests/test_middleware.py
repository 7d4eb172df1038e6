"""What no endpoint ever sees: bodies that are too large and text that cannot be stored."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.http.middleware import MAX_BODY_BYTES, InputLimits

CHUNK = b"x" * 65_536


async def count_bytes(request: Request) -> int:
    return len(await request.body())


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.add_middleware(InputLimits)
    app.post("/count")(count_bytes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield CHUNK


async def test_a_body_up_to_the_limit_is_read(client: httpx.AsyncClient) -> None:
    response = await client.post("/count", content=chunks(MAX_BODY_BYTES // len(CHUNK)))
    assert (response.status_code, response.json()) == (200, MAX_BODY_BYTES)


@pytest.mark.parametrize("declared", [True, False])
async def test_a_larger_body_is_refused_whether_its_length_is_declared_or_not(
    client: httpx.AsyncClient, declared: bool
) -> None:
    content = b"x" * (MAX_BODY_BYTES + 1) if declared else chunks(MAX_BODY_BYTES // len(CHUNK) + 1)
    response = await client.post("/count", content=content, headers={"Accept-Language": "en"})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-language"] == "en"


@pytest.mark.parametrize("path", ["/count?q=%00", "/count%00", "/count%ff"])
async def test_text_that_cannot_be_stored_is_refused(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
