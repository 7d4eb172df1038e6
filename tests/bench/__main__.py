"""`make bench`: every figure as a ratio from one interleaved run. Load goes to 127.0.0.1 only."""

import argparse
import asyncio
import importlib
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import httpx
import uvloop
from aiormq.exceptions import AMQPError
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError
from websockets.exceptions import WebSocketException

from provisioning.engine import docker_answers
from provisioning.servers import provisioned
from tests.bench import report
from tests.bench.figures import Figure
from tests.bench.stand import ROOT, Bench, Options
from tests.bench.tools import MissingError

NAMES = (
    "booking",
    "slots",
    "gateway",
    "relay",
    "consumer",
    "realtime",
    "identity",
    "websockets",
    "memory",
    "search",
)
MOST_SECONDS = 1800  # for one benchmark
RESULTS = ROOT / ".local" / "bench"
FAILURES = (
    MissingError,
    RuntimeError,
    OSError,
    AssertionError,
    ValueError,
    LookupError,
    ExceptionGroup,
    subprocess.SubprocessError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    AMQPError,
    SQLAlchemyError,
    httpx.HTTPError,
    WebSocketException,
)
out = Console(width=None if sys.stdout.isatty() else 170)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes and short runs: to see that it works")
    parser.add_argument("--full", action="store_true", help="10,000 WebSockets instead of 5,000")
    parser.add_argument("--runs", type=int, help="rounds of each benchmark (default 5, quick 2)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where results.json and chart.svg go")
    parsed = parser.parse_args(argv)
    unknown = sorted(set(parsed.names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    if parsed.runs is not None and not 1 <= parsed.runs <= 100:
        parser.error("--runs must be from 1 to 100")
    parsed.output = parsed.output.resolve()
    return parsed


async def measure(bench: Bench, names: Sequence[str], output: Path) -> tuple[list[Figure], list[str]]:
    """The figures, and the benchmarks that could not be taken. What is done is written after each."""
    task = asyncio.current_task()
    assert task is not None
    for end in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(end, task.cancel)
    figures: list[Figure] = []
    failed: list[str] = []
    for name in names:
        started = time.monotonic()
        module = importlib.import_module(f"tests.bench.suite.{name}")
        try:
            async with asyncio.timeout(MOST_SECONDS):
                figures += await module.measure(bench)
        except FAILURES as error:
            failed.append(name)
            out.print(f"{name}: {type(error).__name__}: {error}", style="yellow", markup=False)
            out.print("".join(traceback.format_tb(error.__traceback__)[-4:]), highlight=False, markup=False)
        else:
            out.print(f"{name} took {time.monotonic() - started:.0f} s", highlight=False)
        report.write(output, figures)
    return figures, failed


def main() -> None:
    parsed = arguments()
    options = Options(parsed.quick, parsed.full, parsed.runs or (2 if parsed.quick else 5))
    parsed.output.mkdir(parents=True, exist_ok=True)
    folder = parsed.output / "servers"
    try:
        # Containers that keep their data belong to `make up`; those that do not are as durable while they run.
        with provisioned(folder, durable=not docker_answers(), restricted=False) as servers:
            bench = Bench(options, servers, folder / "platforms", out.print)
            figures, failed = uvloop.run(measure(bench, parsed.names or NAMES, parsed.output))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.show(out, figures)
    out.print(f"{parsed.output / 'results.json'} and chart.svg are written")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}")


if __name__ == "__main__":
    main()
