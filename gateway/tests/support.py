"""WebSockets as clients see them, and messages as the services send them."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aio_pika
import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from keys.events import signature
from migrations.topology import declare
from shared.messaging import broker as messaging
from shared.messaging.events import new_id
from shared.testing.keys import keys_for

Channel = aio_pika.abc.AbstractChannel
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def ws(url: str, path: str) -> str:
    return url.replace("http", "ws", 1) + path


async def connected(url: str) -> Ends:
    host, port = url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


@asynccontextmanager
async def coming_from(address: str, url: str, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=False)  # no time for certificates
    async with httpx.AsyncClient(transport=transport, base_url=url, timeout=15, headers=headers) as client:
        yield client


class Clients:
    """Raw connections of a test. `close` ends them all."""

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []

    async def send(self, url: str, data: bytes) -> Ends:
        reader, writer = await connected(url)
        self._writers.append(writer)
        writer.write(data)
        return reader, writer

    async def upgrade(self, url: str, path: str) -> Ends:
        """Completes the handshake of a WebSocket."""
        ends = await silent_websocket(url, path)
        self._writers.append(ends[1])
        return ends

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


async def closed_with(socket: ClientConnection, seconds: float = 5.0) -> int:
    async with asyncio.timeout(seconds):
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
        await socket.wait_closed()
    return socket.close_code or 0


async def heard(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def declare_topology(amqp_url: str) -> None:
    """As `loctician migrate` does, without the queues of the services."""
    async with messaging.connection(amqp_url, "test") as connection:
        await declare(await connection.channel(), {})


@asynccontextmanager
async def publishing(broker: str) -> AsyncIterator[Channel]:
    async with await aio_pika.connect(broker) as connection:
        yield await connection.channel()


async def send(channel: Channel, exchange: str, key: str, body: dict[str, Any]) -> None:
    target = await channel.get_exchange(exchange, ensure=False)
    await target.publish(aio_pika.Message(json.dumps(body).encode()), key)


def realtime(audience: Sequence[str], data: dict[str, Any]) -> dict[str, Any]:
    time = "2026-05-01T10:00:00Z"
    return {"id": str(new_id()), "audience": audience, "type": "booking_update", "time": time, "data": data}


async def revoke(channel: Channel, user: UUID, session: UUID | None, ago: timedelta = timedelta()) -> None:
    data = {"user_id": str(user), "session_id": session and str(session), "reason": "logout", "version": 2}
    time = (datetime.now(UTC) - ago).isoformat()
    event = {"id": str(new_id()), "type": "session.revoked.v1", "source": "/services/auth", "time": time, "data": data}
    event["signature"] = signature(keys_for("auth"), event)
    await send(channel, "loctician.events", "session.revoked.v1", event)


async def silent_websocket(url: str, path: str) -> Ends:
    """A client that completes the handshake and then never reads or answers."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1_024)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode() + UPGRADE + b"\r\n")
    assert b" 101 " in await reader.readline()
    return reader, writer
