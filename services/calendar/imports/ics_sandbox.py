"""Parses a calendar in a process of its own, so that a hostile one cannot block the event loop or use up memory."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson

from services.calendar.errors import CalendarTooLarge, NotACalendar
from services.calendar.ics.reader import Reading
from services.calendar.imports.ics_parser import CPU_SECONDS, MAX_BYTES
from services.calendar.intervals import Interval
from services.calendar.local_time import day_bounds, today
from services.calendar.windows.service import HORIZON
from shared.errors import ProblemError, Unavailable
from shared.observability.log import logger

ROOT = Path(__file__).parents[3]
QUEUE_SECONDS = 5.0  # to wait for other calendars that are being parsed
CLOCK_PER_CPU_SECOND = 5.0  # seconds on the clock for each second of processor time
PARALLEL = asyncio.Semaphore(2)
MARGIN = timedelta(days=60)  # read beyond the horizon, so that a file stays useful while the horizon moves
OUT_OF_TIME = {-signal.SIGXCPU, -signal.SIGKILL}
PROBLEMS: dict[str, type[ProblemError]] = {error.code: error for error in (CalendarTooLarge, NotACalendar)}

log = logger(__name__)


def read_until() -> date:
    """The date up to which busy times are read, itself excluded."""
    return today() + HORIZON + MARGIN


async def read(content: bytes, until: date, cpu_seconds: int = CPU_SECONDS) -> Reading:
    """Busy times from today to `until`, excluded. Raises NotACalendar, CalendarTooLarge or Unavailable."""
    if len(content) > MAX_BYTES:
        raise CalendarTooLarge
    start, end = day_bounds(today())[0], day_bounds(until)[0]
    async with _slot():
        status, output = await _run_parser(content, (start, end), cpu_seconds)
    if status in OUT_OF_TIME:
        raise CalendarTooLarge
    if status != 0:
        log.error("calendar_parser_failed", status=status)
        raise NotACalendar
    result = orjson.loads(output)
    if "problem" in result:
        raise PROBLEMS[result["problem"]]
    by_id = {UUID(id_): _instants(times) for id_, times in result["by_id"].items()}
    return Reading(_instants(result["busy"]), by_id, result["counts"])


def _instants(times: list[list[int]]) -> list[Interval]:
    return [(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)) for start, end in times]


@asynccontextmanager
async def _slot() -> AsyncIterator[None]:
    """One of the processes that may run at the same time. Raises Unavailable after QUEUE_SECONDS."""
    try:
        async with asyncio.timeout(QUEUE_SECONDS):
            await PARALLEL.acquire()
    except TimeoutError as error:
        raise Unavailable from error
    try:
        yield
    finally:
        PARALLEL.release()


def environment() -> dict[str, str]:
    """The process inherits no variable, because ours hold secrets."""
    return {"PYTHONPATH": str(ROOT)}


async def _run_parser(content: bytes, period: Interval, cpu_seconds: int) -> tuple[int, bytes]:
    """The exit status and the output. Error output may quote the calendar, so it is discarded."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.calendar.imports.ics_parser",
        *(str(int(instant.timestamp())) for instant in period),
        str(cpu_seconds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env=environment(),
    )
    try:
        async with asyncio.timeout(CLOCK_PER_CPU_SECOND * cpu_seconds):
            output, _ = await process.communicate(content)
    except TimeoutError:
        log.warning("calendar_parser_out_of_time")
        output = b""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, output
