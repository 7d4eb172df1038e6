"""Two benchmarks from the command line to the files: small, and on the tests' own servers."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.testing.servers import SECRET_KEY, Servers
from tests.bench.stand import ROOT

SECONDS = 240


async def bench(servers: Servers, output: Path, *arguments: str) -> tuple[int, str]:
    environment = {
        **os.environ,
        "DATABASE_URL": servers.database_url,
        "AMQP_URL": servers.amqp_url,
        "AMQP_MANAGEMENT_URL": servers.management_url or "",
        "SECRET_KEY": os.environ.get("SECRET_KEY", SECRET_KEY),
    }
    command = [sys.executable, "-m", "tests.bench", "--quick", "--runs", "1", "--output", str(output), *arguments]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def databases(servers: Servers) -> set[str]:
    engine = create_async_engine(servers.database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.connect() as connection:
            return set((await connection.execute(text("SELECT datname FROM pg_database"))).scalars())
    finally:
        await engine.dispose()


@pytest.mark.slow
async def test_two_benchmarks_run_end_to_end_and_leave_nothing_behind(servers: Servers, tmp_path: Path) -> None:
    before = await databases(servers)
    code, printed = await bench(servers, tmp_path, "relay", "consumer")
    assert code == 0, printed
    relay, consumer, _ = json.loads((tmp_path / "results.json").read_text())
    assert relay["name"] == "relay"
    assert relay["ratio"] == pytest.approx(relay["value"] / relay["against_value"])
    assert consumer["against"].startswith("pgbench")
    assert min(consumer["value"], consumer["against_value"]) > 0
    assert "relay" in (tmp_path / "chart.svg").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "chart.svg"}  # noqa: ASYNC240
    assert await databases(servers) == before
