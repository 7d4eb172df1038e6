"""Reading a calendar in a process of its own: however it is made, it can neither block the loop nor take the memory."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson

from services.calendar.errors import CalendarTooLarge, NotACalendar
from services.calendar.imports.ics_parser import CPU_SECONDS
from services.calendar.intervals import Window
from services.calendar.local_time import bounds, today
from services.calendar.windows.service import HORIZON
from shared.errors import ProblemError, Unavailable
from shared.observability.log import logger

ROOT = Path(__file__).parents[3]
SECONDS_TO_WAIT = 5.0  # for the others that are being read
SLOWER = 5.0  # times the processor's time that may pass on the clock
AT_ONCE = asyncio.Semaphore(2)
MARGIN = timedelta(days=60)  # read beyond the horizon, so that it can move on for a while
OUT_OF_TIME = {-signal.SIGXCPU, -signal.SIGKILL}
PROBLEMS: dict[str, type[ProblemError]] = {one.code: one for one in (CalendarTooLarge, NotACalendar)}

log = logger(__name__)


def covered_until() -> date:
    return today() + HORIZON + MARGIN


async def read(content: bytes, until: date, cpu_seconds: int = CPU_SECONDS) -> list[Window]:
    """Busy times from today up to and without `until`. Raises NotACalendar, CalendarTooLarge or Unavailable."""
    start, end = bounds(today())[0], bounds(until)[0]
    async with _turn():
        status, output = await _run(content, (start, end), cpu_seconds)
    if status in OUT_OF_TIME:
        raise CalendarTooLarge
    if status != 0:
        raise NotACalendar
    answer = orjson.loads(output)
    if "problem" in answer:
        raise PROBLEMS[answer["problem"]]
    return [(datetime.fromtimestamp(a, UTC), datetime.fromtimestamp(b, UTC)) for a, b in answer["busy"]]


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(SECONDS_TO_WAIT):
            await AT_ONCE.acquire()
    except TimeoutError as error:
        raise Unavailable from error
    try:
        yield
    finally:
        AT_ONCE.release()


def environment() -> dict[str, str]:
    """None of our own, which holds secrets."""
    return {"PYTHONPATH": str(ROOT)}


async def _run(content: bytes, window: Window, cpu_seconds: int) -> tuple[int, bytes]:
    """What it says of its errors may quote the calendar, so that goes nowhere."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.calendar.imports.ics_parser",
        *(str(int(edge.timestamp())) for edge in window),
        str(cpu_seconds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env=environment(),
    )
    try:
        async with asyncio.timeout(SLOWER * cpu_seconds):
            output, _ = await process.communicate(content)
    except TimeoutError:
        log.warning("calendar_reading_out_of_time")
        output = b""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, output
