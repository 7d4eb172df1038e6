"""The limit of all connections."""

import asyncio

from gateway.tests.conftest import Upstreams
from gateway.tests.process import answers, process
from gateway.tests.support import Clients

CALL = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_calls_over_the_limit_are_503_until_connections_end(
    clients: Clients, upstreams: Upstreams, unused_tcp_port: int
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with process(upstreams, unused_tcp_port, CONNECTIONS_AT_MOST="5"):
        await answers(url, "/health/live", 200)
        for _ in range(5):
            await clients.send(url, b"")
        reader, _ = await clients.send(url, CALL)
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 503 ")
        await clients.close()
        await answers(url, "/health/live", 200)
