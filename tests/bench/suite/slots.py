"""Free slots, and a month by day: the service against the SQL alone, and a long history against a short one."""

import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from tests.bench import salon
from tests.bench.figures import Figure, at_most, by_turns, compared, percentile
from tests.bench.identity import person
from tests.bench.load import drive, request
from tests.bench.stand import Bench, Platform

LOCTICIANS = 200
SHORT, LONG, QUICK = 10_000, 1_000_000, 50_000
OPENS, CLOSES = 7, 16  # UTC
LIMIT = 1000
CHAIRS, MONTH = 20, timedelta(days=30)  # of the month by day, first and last day included
Arm = Callable[[], Awaitable[float]]


async def measure(bench: Bench) -> list[Figure]:
    many = bench.options.size(LONG, QUICK)
    async with AsyncExitStack() as stack:
        long = await stack.enter_async_context(_platform(bench, many))
        short = await stack.enter_async_context(_platform(bench, SHORT))
        few = await stack.enter_async_context(_platform(bench, SHORT, CHAIRS))
        sql = await stack.enter_async_context(salon.connected(long.role_url("booking")))
        sql_of_few = await stack.enter_async_context(salon.connected(few.role_url("booking")))
        seconds = bench.options.seconds
        arms = {
            "one, sql": _alone(sql, seconds, 30, anybody=False),
            "one, long": _through(long, seconds, 30, anybody=False),
            "one, short": _through(short, seconds, 30, anybody=False),
            "any, sql": _alone(sql, seconds, 7, anybody=True),
            "any, long": _through(long, seconds, 7, anybody=True),
            "any, short": _through(short, seconds, 7, anybody=True),
            "days, sql": _days_alone(sql_of_few, seconds),
            "days, http": _days_through(few, seconds),
        }
        took = await by_turns(bench.options.runs, arms)
    of_one, anybody = f"slots of one, 30 days, {many:,} bookings", f"slots of any, 7 days, {many:,} bookings"
    by_day = f"a month by day, any of {CHAIRS}, {SHORT:,} bookings"
    with_few = f"with {SHORT:,} bookings"
    return [
        compared(of_one, "ms", took["one, long"], "bare SQL", took["one, sql"], at_most(3)),
        compared(of_one, "ms", took["one, long"], with_few, took["one, short"], at_most(1.2)),
        compared(anybody, "ms", took["any, long"], "bare SQL", took["any, sql"], at_most(3)),
        compared(anybody, "ms", took["any, long"], with_few, took["any, short"], at_most(1.2)),
        compared(by_day, "ms", took["days, http"], "bare SQL", took["days, sql"], at_most(3)),
    ]


def _platform(bench: Bench, bookings: int, locticians: int = LOCTICIANS) -> Any:
    return bench.platform("booking", prepare=lambda url: _fill(url, bookings, locticians), ROLE="api")


async def _fill(url: str, bookings: int, locticians: int) -> None:
    await salon.people(url, locticians, opens=OPENS, closes=CLOSES)
    await salon.history(url, locticians, bookings)


def _random_search(days: int, *, anybody: bool) -> tuple[UUID | None, datetime, datetime]:
    start = datetime.now(UTC) + timedelta(hours=1)
    loctician_id = None if anybody else person("loctician", random.randrange(LOCTICIANS))
    return loctician_id, start, start + timedelta(days=days)


def _through(platform: Platform, seconds: int, days: int, *, anybody: bool) -> Arm:
    def following(_: bytes) -> bytes:
        loctician_id, start, end = _random_search(days, anybody=anybody)
        query = {"service_id": salon.TREATMENT, "from": start.isoformat(), "to": end.isoformat(), "limit": LIMIT}
        return request(
            "GET", f"/api/v1/slots?{urlencode(query | ({'loctician_id': loctician_id} if loctician_id else {}))}"
        )

    async def median() -> float:
        return 1000 * percentile((await drive(platform.port("booking"), [following], seconds)).latencies, 50)

    return median


def _alone(connection: Any, seconds: int, days: int, *, anybody: bool) -> Arm:
    async def median() -> float:
        statement = await connection.prepare(salon.FREE_SLOTS)
        latencies = []
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            loctician_id, start, end = _random_search(days, anybody=anybody)
            rows = await statement.fetch([salon.TREATMENT], loctician_id, start, end, LIMIT)
            latencies.append(time.perf_counter() - began)
            if not rows:
                raise RuntimeError("no free slots in the made-up salon")
        return 1000 * percentile(latencies, 50)

    return median


def _random_month() -> tuple[date, date]:
    first = datetime.now(UTC).date() + timedelta(days=1 + random.randrange(60))
    return first, first + MONTH


def _days_through(platform: Platform, seconds: int) -> Arm:
    def following(_: bytes) -> bytes:
        first, last = _random_month()
        query = {"service_id": salon.TREATMENT, "from": first.isoformat(), "to": last.isoformat()}
        return request("GET", f"/api/v1/slots/days?{urlencode(query)}")

    async def median() -> float:
        return 1000 * percentile((await drive(platform.port("booking"), [following], seconds)).latencies, 50)

    return median


def _days_alone(connection: Any, seconds: int) -> Arm:
    async def median() -> float:
        statement = await connection.prepare(salon.SLOT_DAYS)
        latencies = []
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            rows = await statement.fetch([salon.TREATMENT], *_random_month())
            latencies.append(time.perf_counter() - began)
            if not any(row["starts"] for row in rows):
                raise RuntimeError("no free slots in the made-up salon")
        return 1000 * percentile(latencies, 50)

    return median
