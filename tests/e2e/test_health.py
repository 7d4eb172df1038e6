"""A process without its servers and with a full disk answers health checks, also while it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from provisioning.processes import free_port
from tests.e2e.stack import ROOT, eventually

START_SECONDS = 60.0
DRAIN_SECONDS = 4.0


class Process:
    def __init__(self, process: asyncio.subprocess.Process, http: httpx.AsyncClient) -> None:
        self.process = process
        self.http = http

    async def health(self, path: str = "/ready") -> tuple[int, dict[str, Any]]:
        try:
            answer = await self.http.get(f"/health{path}")
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Process]:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path_factory.mktemp("lonely")),
        "SECRET_KEY": "test-secret-key-of-at-least-32-characters",
        "DATABASE_URL": "postgresql://nobody:none@127.0.0.1:1/none",
        "AMQP_URL": "amqp://127.0.0.1:1/",
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
    }
    command = ["-m", "uvicorn", "--no-access-log", "--factory", "services.booking.main:create", "--port", str(port)]
    full = os.open("/dev/full", os.O_WRONLY)  # every write to it fails as on a full disk
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env=environment, stdout=full, stderr=full
    )
    os.close(full)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            alone_process = Process(process, http)
            await eventually(
                partial(alone_process.health, "/live"), lambda answer: answer[0] == 200, "a start", START_SECONDS
            )
            yield alone_process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
class TestAlone:
    """One story, told in the order of the tests: the process starts once."""

    async def test_it_waits_and_names_each_part_that_is_down(self, alone: Process) -> None:
        status, report = await eventually(
            alone.health,
            lambda answer: answer[1]["parts"]["database"].get("reason") != "starting",
            "a look at the database",
        )
        assert (status, report["status"]) == (503, "waiting")
        assert {name for name, part in report["parts"].items() if part["status"] == "down"} >= {
            "database",
            "relay",
            "consumer",
        }
        assert await alone.health("/db") == (503, {"status": "down", "reason": "ConnectionRefusedError"})
        assert await alone.health("/live") == (200, {"status": "alive"})

    async def test_calls_are_answered_although_the_log_cannot_be_written(self, alone: Process) -> None:
        answer = await alone.http.get("/api/v1/services")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        lines = (await alone.http.get("/metrics")).text.splitlines()
        lost = next(line for line in lines if line.startswith("log_lines_lost_total "))
        assert float(lost.split()[1]) >= 1

    async def test_after_sigterm_it_reports_draining_and_then_ends(self, alone: Process) -> None:
        alone.process.send_signal(signal.SIGTERM)
        answer = await eventually(alone.health, lambda answer: answer[1].get("status") != "waiting", "word of the end")
        assert (answer[0], answer[1]["status"]) == (503, "draining")
        assert await alone.health("/live") == (200, {"status": "alive"})
        last = await alone.http.get("/api/v1/services")
        assert (last.status_code, last.headers["connection"]) == (503, "close")
        assert await asyncio.wait_for(alone.process.wait(), DRAIN_SECONDS + 20) in (0, -signal.SIGTERM)
