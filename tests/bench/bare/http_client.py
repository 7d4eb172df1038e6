"""One HTTP client on its own: GETs for some seconds, many at once, and what they cost in processor time.

    python -m tests.bench.bare.http_client NAME URL SECONDS

Prints JSON: {"calls": ..., "processor_seconds": ...}. NAME is gateway (the gateway's client of the services), aiohttp
or httpx.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import uvloop

AT_ONCE = 32
WARM_UP_SECONDS = 0.3
Get = Callable[[], Awaitable[bytes]]


@asynccontextmanager
async def gateway(url: str) -> AsyncIterator[Get]:
    from gateway.upstream.client import Upstream
    from gateway.upstream.requests import Request, read_body

    parts = urlsplit(url)
    upstream = Upstream([parts], name="bench")
    target, headers = parts.path.encode() or b"/", [(b"host", parts.netloc.encode())]

    async def get() -> bytes:
        connection = await upstream.request(Request("GET", target, headers))
        try:
            return await read_body(connection, 10.0, 65_536)
        finally:
            upstream.release(connection)

    yield get
    upstream.close()


@asynccontextmanager
async def aiohttp(url: str) -> AsyncIterator[Get]:
    from aiohttp import ClientSession, TCPConnector

    async with ClientSession(connector=TCPConnector(limit=100)) as session:

        async def get() -> bytes:
            async with session.get(url) as response:
                return await response.read()

        yield get


@asynccontextmanager
async def httpx(url: str) -> AsyncIterator[Get]:
    from httpx import AsyncClient

    async with AsyncClient() as client:

        async def get() -> bytes:
            return (await client.get(url)).content

        yield get


CLIENTS = {"gateway": gateway, "aiohttp": aiohttp, "httpx": httpx}


async def measure(name: str, url: str, seconds: float) -> dict[str, float]:
    async with CLIENTS[name](url) as get:
        await _repeat(get, WARM_UP_SECONDS)
        before = time.process_time()
        calls = await _repeat(get, seconds)
        return {"calls": calls, "processor_seconds": time.process_time() - before}


async def _repeat(get: Get, seconds: float) -> int:
    until = time.monotonic() + seconds
    return sum(await asyncio.gather(*(_worker(get, until) for _ in range(AT_ONCE))))


async def _worker(get: Get, until: float) -> int:
    calls = 0
    while time.monotonic() < until:
        await get()
        calls += 1
    return calls


if __name__ == "__main__":
    _, client, address, duration = sys.argv
    sys.stdout.write(json.dumps(uvloop.run(measure(client, address, float(duration)))))
