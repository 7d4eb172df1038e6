"""Thousands of idle WebSockets on one gateway process, and on a bare one: memory each, and a message to all."""

import asyncio
import resource
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import aio_pika
import httpx
import orjson

from provisioning.processes import free_port
from shared.messaging import broker
from shared.messaging.topology import REALTIME as REALTIME_EXCHANGE
from tests.bench.figures import Figure, at_most, compared
from tests.bench.stand import ROOT, Bench, Platform

MANY, FULL, QUICK = 5_000, 10_000, 200
MESSAGES = 5
SECONDS = 150
Tell = Callable[[str], Awaitable[None]]


async def measure(bench: Bench) -> list[Figure]:
    count = FULL if bench.options.full else bench.options.size(MANY, QUICK)
    # Children inherit it: a connection is a file on both sides.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    memory: dict[str, list[float]] = {"gateway": [], "bare": []}
    seconds: dict[str, list[float]] = {"gateway": [], "bare": []}
    async with bench.platform(WEBSOCKETS_AT_MOST=str(2 * FULL), WEBSOCKETS_PER_ADDRESS=str(2 * FULL)) as platform:
        for _ in range(bench.options.runs):
            for name, served in (("gateway", _gateway), ("bare", _bare)):
                each, took = await served(platform, count)
                platform.stop(name)
                memory[name].append(each)
                seconds[name].append(took)
    against = "a bare ASGI application on uvicorn"
    within = at_most(400 * count / FULL, of="value") if count >= MANY else None
    name, small = f"memory of a WebSocket, {count:,} open", at_most(30, of="value")
    return [
        compared(name, "KB", memory["gateway"], against, memory["bare"], small),
        compared(f"a message to all of {count:,}", "ms", seconds["gateway"], against, seconds["bare"], within),
    ]


async def _gateway(platform: Platform, count: int) -> tuple[float, float]:
    platform.start("gateway")
    await platform.ready("gateway")
    loctician_id = uuid4()
    url = platform.environment["AMQP_URL"]
    async with broker.connection(url, "bench") as connection:
        exchange = await (await connection.channel()).get_exchange(REALTIME_EXCHANGE)

        async def tell(marker: str) -> None:
            body: dict[str, object] = {
                "id": str(uuid4()),
                "audience": [f"loctician:{loctician_id}"],
                "type": "availability_update",
                "time": datetime.now(UTC).isoformat(),
                "data": {"loctician_id": str(loctician_id), "date": marker},
            }
            await exchange.publish(aio_pika.Message(orjson.dumps(body)), "availability_update", timeout=30)

        return await _measured(
            platform, "gateway", platform.port("gateway"), f"/ws/loctician/{loctician_id}", count, tell
        )


async def _bare(platform: Platform, count: int) -> tuple[float, float]:
    port = free_port()
    platform.bare("bare", "sockets", port)
    await platform.listening(port)
    async with httpx.AsyncClient(timeout=30) as http:

        async def tell(marker: str) -> None:
            (await http.post(f"http://127.0.0.1:{port}/", content=marker * 5)).raise_for_status()

        return await _measured(platform, "bare", port, "/", count, tell)


async def _measured(platform: Platform, name: str, port: int, path: str, count: int, tell: Tell) -> tuple[float, float]:
    """KB a connection, and the median of ms from telling until the last has heard."""
    async with _connected(port, path, 1) as ask:
        await _heard(ask, tell)  # what the first connection loads belongs to no connection
    before = platform.memory(name)
    async with _connected(port, path, count) as ask:
        after = platform.memory(name)
        took = [await _heard(ask, tell) for _ in range(MESSAGES)]
    return (after - before) * 1024 / count, 1000 * statistics.median(took)


Ask = Callable[[str | None], Awaitable[str]]


async def _heard(ask: Ask, tell: Tell) -> float:
    marker = uuid4().hex
    await ask(marker)
    began = time.time()
    await tell(marker)
    return float(await ask(None)) - began


@asynccontextmanager
async def _connected(port: int, path: str, count: int) -> AsyncIterator[Ask]:
    """Listeners in a process of their own; give it a line, if any, and get its next."""
    command = [sys.executable, "-m", "tests.bench.sockets", str(port), path, str(count)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    to, answers, errors = process.stdin, process.stdout, process.stderr

    async def ask(line: str | None) -> str:
        if line is not None:
            to.write(f"{line}\n".encode())
        async with asyncio.timeout(SECONDS):
            answer = (await answers.readline()).decode().strip()
            if not answer:
                raise RuntimeError(f"the listeners ended: {(await errors.read()).decode()[-1000:]}")
        return answer

    try:
        await ask(None)
        yield ask
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
