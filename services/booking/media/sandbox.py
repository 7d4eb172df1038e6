"""Decodes a picture in a process of its own, so that a hostile one cannot block the event loop, use up memory or reach
what this process knows."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.booking.media.decoder import CPU_SECONDS, MAX_PIXELS, MAX_SIDE, TOO_LARGE
from services.booking.media.errors import NotAPicture, PictureTooLarge
from shared.errors import Unavailable
from shared.observability.log import logger

ROOT = Path(__file__).parents[3]
QUEUE_SECONDS = 5.0  # to wait for other pictures that are being decoded
CLOCK_PER_CPU_SECOND = 3.0  # seconds on the clock for each second of processor time
PARALLEL = asyncio.Semaphore(2)
OUT_OF_LIMITS = {-signal.SIGXCPU, -signal.SIGKILL}

log = logger(__name__)


@dataclass(frozen=True)
class Sizes:
    """WebP files; `width` and `height` of the large one, in pixels."""

    width: int
    height: int
    small: bytes
    medium: bytes
    large: bytes


async def sizes_of(content: bytes, format_: str, cpu_seconds: int = CPU_SECONDS) -> Sizes:
    """`format_`: JPEG, PNG or WEBP. Raises NotAPicture, PictureTooLarge or Unavailable."""
    async with _slot():
        status, output = await _run_decoder(content, format_, cpu_seconds)
    if status in OUT_OF_LIMITS:
        raise _too_large()
    line, _, files = output.partition(b"\n")
    if status != 0 or not line:
        log.warning("picture_decoder_failed", status=status)
        raise NotAPicture
    header = orjson.loads(line)
    if "problem" in header:
        raise _too_large() if header["problem"] == TOO_LARGE else NotAPicture()
    small, medium, _ = header["lengths"]
    ends = small, small + medium
    return Sizes(header["width"], header["height"], files[: ends[0]], files[ends[0] : ends[1]], files[ends[1] :])


def _too_large() -> PictureTooLarge:
    return PictureTooLarge(megapixels=MAX_PIXELS // 1_000_000, side=MAX_SIDE)


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


async def _run_decoder(content: bytes, format_: str, cpu_seconds: int) -> tuple[int, bytes]:
    """The exit status and the output. The process inherits no variable, because ours hold secrets."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.booking.media.decoder",
        format_,
        str(cpu_seconds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    try:
        async with asyncio.timeout(CLOCK_PER_CPU_SECOND * cpu_seconds):
            output, _ = await process.communicate(content)
    except TimeoutError:
        log.warning("picture_decoder_out_of_time")
        output = b""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, output
