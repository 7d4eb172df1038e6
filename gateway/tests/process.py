"""The gateway as it is started in production: a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import httpx

from gateway.tests.conftest import Upstreams
from shared.settings import Roles, load

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(
    upstreams: Upstreams, port: int, log: IO[bytes] | None = None, **settings: str
) -> AsyncIterator[Process]:
    environment = {
        "PATH": os.environ["PATH"],
        "ENVIRONMENT": "test",
        "SECRET_KEY": "test-secret-key-of-at-least-32-characters",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "DATABASE_ROLE_PREFIX": load(Roles).database_role_prefix,
        "AMQP_URL": upstreams.amqp_url,
        **{f"{name.upper()}_URL": url for name, url in upstreams.urls.items()},
        **settings,
    }
    command = [sys.executable, "-m", "gateway", "--port", str(port)]
    started = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stderr=log, stdout=log)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def answers(url: str, path: str, status: int) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(20):
        while True:
            try:
                if (await client.get(path)).status_code == status:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
