"""The programs measured against, of the system's packages: found, installed where we may, and run with a limit."""

import asyncio
import os
import re
import shutil
import statistics
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from provisioning.postgres import binaries
from provisioning.servers import install

GRACE_SECONDS = 30.0
WARM_UP_SECONDS = 1
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class MissingError(RuntimeError):
    """A program is neither there nor ours to install."""


def program(name: str, package: str) -> str:
    """Its path. Raises MissingError."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    executable = shutil.which(name, path=path)
    if executable is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install(package)
        executable = shutil.which(name, path=path)
    if executable is None:
        raise MissingError(f"{name} is not installed: on Debian, apt-get install {package}")
    return executable


async def run(command: Sequence[str | Path], seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """What it prints. Raises RuntimeError when it fails; it is killed when it takes longer or we are cancelled."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=PIPE, stderr=STDOUT, env=None if environment is None else dict(environment)
    )
    try:
        async with asyncio.timeout(seconds):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {out.decode()[-1000:]}")
    return out.decode()


async def pgbench(url: str, script: Path, *, clients: int, seconds: int) -> float:
    """Transactions a second of a script, prepared, over one connection a client.

    A service's connections have planned everything long ago; so the first second, in which these do so, is left out.
    """
    folder = binaries()
    parts = urlsplit(url)
    if folder is None or not (folder / "pgbench").exists():
        raise MissingError("pgbench is not installed: on Debian, apt-get install postgresql")
    environment = {
        "PATH": os.environ["PATH"],
        "PGPASSWORD": parts.password or "",
        "PGOPTIONS": "-c jit=off -c statement_timeout=15s -c lock_timeout=10s",
    }
    server = ["-h", parts.hostname or "", "-p", str(parts.port), "-U", parts.username or "", parts.path[1:]]
    options: list[str | Path] = [
        "-n",
        "-M",
        "prepared",
        "-c",
        str(clients),
        "-j",
        "1",
        "-T",
        str(seconds + WARM_UP_SECONDS),
        "-P",
        "1",
        "-f",
        script,
    ]
    output = await run([folder / "pgbench", *options, *server], seconds + GRACE_SECONDS, environment)
    if _search(r"number of failed transactions: (\d+)", output)[1] != "0":
        raise RuntimeError(f"pgbench: {output}")
    rates = [float(rate) for rate in re.findall(r"^progress: [\d.]+ s, ([\d.]+) tps", output, re.MULTILINE)]
    whole = float(_search(r"tps = ([\d.]+)", output)[1])
    return statistics.fmean(rates[WARM_UP_SECONDS:] or [whole])  # a stalled machine may skip a progress line


@dataclass(frozen=True)
class Wrk:
    rate: float  # requests a second
    median: float  # seconds


async def wrk(url: str, script: Path | None, *, connections: int, seconds: int, core: int | None = None) -> Wrk:
    """Raises RuntimeError when an answer was not a success."""
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    options: list[str | Path] = [
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        *(["-s", str(script)] if script else []),
    ]
    output = await run([*pinned, program("wrk", "wrk"), *options, url], seconds + GRACE_SECONDS)
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"wrk: {output}")
    median = _search(r"50%\s+([\d.]+)(us|ms|s|m)", output)
    return Wrk(float(_search(r"Requests/sec:\s+([\d.]+)", output)[1]), float(median[1]) * UNITS[median[2]])


def _search(pattern: str, output: str) -> re.Match[str]:
    match = re.search(pattern, output)
    if match is None:
        raise RuntimeError(f"no {pattern} in: {output[-1000:]}")
    return match
