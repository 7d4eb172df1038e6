"""From a booking's commit to its WebSocket message, on an idle platform; against two bare hops through the broker."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import aio_pika
import httpx
import orjson
from aio_pika.abc import AbstractIncomingMessage
from pamqp.common import FieldTable
from websockets.asyncio.client import ClientConnection, connect

from deploy.local.up import SERVICES
from shared.messaging import broker
from shared.messaging.topology import EVENTS as EVENTS_EXCHANGE
from tests.bench import salon
from tests.bench.figures import Figure, at_most, compared, percentile
from tests.bench.identity import person
from tests.bench.stand import Bench, Platform

CREATED = "booking.created.v1"
SECONDS = 10
Sample = Callable[[], Awaitable[float]]


async def measure(bench: Bench) -> list[Figure]:
    each = bench.options.size(100, 10)
    people = partial(salon.people, count=1)
    rounds: dict[str, list[list[float]]] = {"ours": [], "bare": []}
    async with (
        bench.platform("mail", *SERVICES, "gateway", prepare=people) as platform,
        _booking(platform) as ours,
        _two_hops(platform.environment["AMQP_URL"]) as bare,
    ):
        samples: Mapping[str, Sample] = {"ours": ours, "bare": bare}
        for turn in range(-1, bench.options.runs):
            for name, sample in samples.items():
                latencies = [await _idly(sample) for _ in range(each)]
                if turn >= 0:
                    rounds[name].append(latencies)
    figures = []
    for percent, most in ((50, 10), (99, 50)):
        took = {name: [1000 * percentile(delays, percent) for delays in all_] for name, all_ in rounds.items()}
        name, goal = f"booking committed to WebSocket message, p{percent}", at_most(most, of="value")
        figures.append(compared(name, "ms", took["ours"], "two bare hops of aio-pika", took["bare"], goal))
    return figures


async def _idly(sample: Sample) -> float:
    await asyncio.sleep(random.uniform(0.2, 0.4))
    async with asyncio.timeout(SECONDS):
        return await sample()


@asynccontextmanager
async def _booking(platform: Platform) -> AsyncIterator[Sample]:
    """Seconds from the instant in the booking's event, written just before its commit, to the message's arrival."""
    token = platform.signer.token(person("customer", 0))
    staff = platform.signer.token(uuid4(), "staff")
    live = f"{platform.url('gateway').replace('http', 'ws', 1)}/ws?token={token}"
    events: asyncio.Queue[Any] = asyncio.Queue()
    numbers = iter(range(salon.STARTS))

    async def hear(message: AbstractIncomingMessage) -> None:
        events.put_nowait(orjson.loads(message.body))

    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(broker.connection(platform.environment["AMQP_URL"], "bench"))
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True, timeout=SECONDS)
        await queue.bind(EVENTS_EXCHANGE, CREATED, timeout=SECONDS)
        await queue.consume(hear, no_ack=True, timeout=SECONDS)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=platform.url("gateway"), timeout=SECONDS))
        socket = await stack.enter_async_context(connect(live))

        async def sample() -> float:
            # By staff, who are not bound by how many coming bookings a customer may have.
            headers = {"Authorization": f"Bearer {staff}", "Idempotency-Key": salon.new_key()}
            body = salon.order(next(numbers), 1) | {"customer_id": str(person("customer", 0))}
            # The message may overtake the answer, so it is waited for meanwhile.
            hearing = asyncio.create_task(_update(socket))
            try:
                answer = await http.post("/api/v1/bookings", json=body, headers=headers)
                if answer.status_code != 201:
                    raise RuntimeError(f"{answer.status_code} {answer.text}")
                arrived, booking_id = await hearing
            finally:
                hearing.cancel()
            if booking_id != answer.json()["id"]:
                raise RuntimeError("a message about another booking")
            event = await events.get()
            return arrived - datetime.fromisoformat(event["time"]).timestamp()

        yield sample


async def _update(socket: ClientConnection) -> tuple[float, str]:
    """When the next word of a booking came, and of which."""
    while True:
        message = orjson.loads(await socket.recv())
        if message["type"] == "booking_update":
            return time.time(), message["data"]["booking_id"]


@asynccontextmanager
async def _two_hops(amqp_url: str) -> AsyncIterator[Sample]:
    """Persistent and confirmed through a quorum queue, then on through a fanout exchange, as events go."""
    arrived: asyncio.Queue[str] = asyncio.Queue()
    async with broker.connection(amqp_url, "bench") as connection:
        channel = await connection.channel()
        fanout = await channel.declare_exchange(f"bench-{uuid4().hex}", "fanout", auto_delete=True, timeout=SECONDS)
        arguments: FieldTable = {"x-queue-type": "quorum", "x-expires": 600_000}
        first = await channel.declare_queue(f"bench-{uuid4().hex}", durable=True, arguments=arguments, timeout=SECONDS)
        last = await channel.declare_queue(exclusive=True, timeout=SECONDS)
        await last.bind(fanout, timeout=SECONDS)

        async def pass_on(message: AbstractIncomingMessage) -> None:
            await fanout.publish(aio_pika.Message(message.body), "", timeout=SECONDS)
            await message.ack()

        async def hear(message: AbstractIncomingMessage) -> None:
            arrived.put_nowait(message.body.decode())

        await first.consume(pass_on, timeout=SECONDS)
        await last.consume(hear, no_ack=True, timeout=SECONDS)
        persistent = aio_pika.DeliveryMode.PERSISTENT

        async def sample() -> float:
            marker = uuid4().hex
            message = aio_pika.Message(marker.encode() + b" " * 700, delivery_mode=persistent)
            began = time.time()
            await channel.default_exchange.publish(message, first.name, timeout=SECONDS)
            if (await arrived.get()).strip() != marker:
                raise RuntimeError("another message arrived")
            return time.time() - began

        yield sample
