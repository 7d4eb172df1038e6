"""Full-text search over 5,000 treatments: the service against the statement it sends, sent again without it."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from tests.bench import salon
from tests.bench.figures import Figure, at_most, by_turns, compared, percentile
from tests.bench.load import drive, request
from tests.bench.stand import Bench, Platform
from tests.bench.tap import Call, Session, Tap

TREATMENTS = 5_000
WORDS = ("farvning", "retwist", "hovedbund", "starter locs", "interlocking", "wash", "crochet", "farvnig")
PATH = "/api/v1/services"
TIMES_TO_PREPARE = 3


async def measure(bench: Bench) -> list[Figure]:
    count = bench.options.size(TREATMENTS, 500)

    async def prepare(url: str) -> None:
        await salon.catalog(url, count)

    async with bench.platform("booking", prepare=prepare, ROLE="api") as platform:
        tap = Tap(platform.role_url("booking"))
        async with tap.open():
            await _restart(platform, DATABASE_POOL_SIZE="1", BOOKING_DATABASE_URL=tap.url)
            calls = [await _recorded(tap, platform.url("booking"), words) for words in WORDS]
            await _restart(platform)
            paths = itertools.cycle([request("GET", _path(words)) for words in WORDS])
            seconds = bench.options.seconds

            async def through() -> float:
                load = await drive(platform.port("booking"), [lambda _: next(paths)], seconds)
                return 1000 * percentile(load.latencies, 50)

            async with tap.session(search_path="booking, public", jit="off") as session:
                arms = {"service": through, "sql": lambda: _again(session, calls, seconds)}
                took = await by_turns(bench.options.runs, arms)
    name = f"full-text search, {count:,} treatments"
    return [compared(name, "ms", took["service"], "bare SQL", took["sql"], at_most(2))]


async def _restart(platform: Platform, **environment: str) -> None:
    await asyncio.to_thread(platform.stop, "booking")
    platform.start("booking", core=None, **environment)
    await platform.ready("booking")


async def _again(session: Session, calls: Sequence[Call], seconds: int) -> float:
    latencies = []
    until = time.perf_counter() + seconds
    for call in itertools.cycle(calls):
        if (began := time.perf_counter()) > until:
            break
        await session.send(call)
        latencies.append(time.perf_counter() - began)
    return 1000 * percentile(latencies, 50)


def _path(words: str) -> str:
    return f"{PATH}?{urlencode({'q': words, 'lang': 'da'})}"


async def _recorded(tap: Tap, url: str, words: str) -> Call:
    """What the service sends once it has prepared what it needs. Raises RuntimeError when that cannot be told."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        for _ in range(TIMES_TO_PREPARE):
            (await http.get(_path(words))).raise_for_status()
        mark = tap.mark()
        (await http.get(_path(words))).raise_for_status()
    return tap.since(mark)
