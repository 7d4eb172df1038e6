"""Bookings through the gateway while everything behind it is killed; then the count of what is left."""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from rich.console import Console
from rich.table import Table

from shared.testing.proxy import Proxy, ended
from tests.chaos.customers import Customers
from tests.chaos.servers import Server, management_url, prepared
from tests.chaos.trouble import Trouble
from tests.chaos.verdict import Verdict, dead_letters, judge, waiting
from tests.e2e.stack import Stack, eventually, running

CUSTOMERS = 60
LONGEST = 1.5  # times the planned seconds, when it takes longer until there are bookings enough
QUIET_SECONDS = 20.0  # longer than a consumer takes for what it has in hand
SETTLE_SECONDS = 1500.0  # the longest retry waits ten minutes, and may have begun late
out = Console(width=110)


@dataclass(frozen=True)
class Plan:
    seconds: float
    broker_stop_seconds: float
    seed: int
    at_once: int = 8  # customers who act at the same time
    bookings: int = 0  # to be accepted before it ends


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    kills: dict[str, int]
    answers: dict[str, int]
    unanswered: int
    seconds: float
    settled_seconds: float
    seed: int
    dead: list[str]
    errors: dict[str, int]  # what services logged as errors

    def report(self) -> dict[str, Any]:
        own = asdict(self)
        return {**own.pop("verdict"), **own}


@asynccontextmanager
async def _platform(folder: Path) -> AsyncIterator[tuple[Stack, tuple[Server, Server], tuple[Proxy, Proxy]]]:
    database, broker = servers = prepared(folder)
    await asyncio.gather(database.start(), broker.start())
    links = Proxy(database.url), Proxy(broker.url)
    platform = None
    try:
        for link in links:
            await link.restore()
        through = {"DATABASE_URL": links[0].url, "AMQP_URL": links[1].url}
        through["AMQP_MANAGEMENT_URL"] = management_url(folder)
        (folder / "stack").mkdir()
        platform = running(folder / "stack", database.url, broker.url, **through)
        stack = await asyncio.to_thread(platform.__enter__)
        await stack.ready()
        yield stack, servers, links
    finally:
        if platform is not None:
            await asyncio.to_thread(platform.__exit__, None, None, None)
        for link in links:
            await link.cut()
        await asyncio.gather(database.stop(), broker.stop())


async def run(plan: Plan) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="loctician-chaos-", ignore_cleanup_errors=True) as name:
        async with _platform(Path(name)) as (stack, servers, links):
            return await _endured(plan, stack, servers, links)


async def _endured(plan: Plan, stack: Stack, servers: tuple[Server, Server], links: tuple[Proxy, Proxy]) -> Outcome:
    customers = Customers(stack.url, await _treatments(stack), random.Random(plan.seed))
    trouble = Trouble(stack, servers, links, random.Random(plan.seed + 1))
    began = time.monotonic()
    supervising = asyncio.create_task(trouble.supervise())
    try:
        await customers.arrive(CUSTOMERS)
        await _trouble(plan, customers, trouble)
        await stack.ready()
        settled = await _settled(servers)
        verdict = await judge(servers[0].url, servers[1].url, stack.mail, customers.ledger)
        dead = await dead_letters(servers[1].url)
    finally:
        await ended(supervising)
        await customers.close()
    ledger = customers.ledger
    answers = {str(status or "no answer"): count for status, count in sorted(ledger.answers.items())}
    seconds = round(time.monotonic() - began, 1)
    return Outcome(
        verdict, dict(trouble.kills), answers, ledger.unanswered, seconds, settled, plan.seed, dead, _errors(stack.logs)
    )


async def _trouble(plan: Plan, customers: Customers, trouble: Trouble) -> None:
    over = asyncio.Event()
    async with asyncio.TaskGroup() as work:
        work.create_task(trouble.make(over, plan.broker_stop_seconds))
        for _ in range(plan.at_once):
            work.create_task(customers.act(over))
        await asyncio.sleep(plan.seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout((LONGEST - 1) * plan.seconds):
                while len(customers.ledger.accepted) < plan.bookings:
                    await asyncio.sleep(1)
        over.set()


async def _settled(servers: tuple[Server, Server]) -> float:
    """Seconds until nothing waits any more. The broker does not count messages that a consumer has in hand, so nothing
    may wait for a while."""
    began = time.monotonic()
    since: float | None = None

    async def quiet_seconds() -> float:
        nonlocal since
        left = await waiting(servers[0].url, servers[1].url)
        now = time.monotonic()
        since = None if any(left.values()) else since or now
        return now - since if since else 0.0

    await eventually(quiet_seconds, lambda quiet: quiet >= QUIET_SECONDS, "everything to arrive", SETTLE_SECONDS)
    return round(time.monotonic() - began - QUIET_SECONDS, 1)


def _errors(logs: Path) -> dict[str, int]:
    errors: Counter[str] = Counter()
    for path in sorted(logs.glob("*.log")):
        for line in path.read_bytes().splitlines():
            entry = _entry(line) if b'"error"' in line else {}
            if entry.get("level") == "error":
                where = str(entry.get("trace") or entry.get("exception") or "").strip()
                errors[f"{path.stem}: {entry['message']} {entry.get('error', '')} {where[-600:]}"] += 1
    return dict(errors)


def _entry(line: bytes) -> dict[str, Any]:
    """Empty for a line that is none: its process was killed while it wrote."""
    try:
        entry: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return entry


async def _treatments(stack: Stack) -> list[str]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
        items = (await http.get("/api/v1/services")).json()["items"]
    return [treatment["id"] for treatment in items if treatment["duration_minutes"] <= 60]


def show(outcome: Outcome) -> None:
    table = Table("what", "count", title=f"Chaos, seed {outcome.seed}, {outcome.seconds:.0f} s")
    for name, value in asdict(outcome.verdict).items():
        table.add_row(name.replace("_", " "), str(value))
    for target, count in sorted(outcome.kills.items()):
        table.add_row(f"trouble: {target}", str(count))
    for status, count in outcome.answers.items():
        table.add_row(f"answers: {status}", str(count))
    table.add_row("calls given up", str(outcome.unanswered))
    table.add_row("seconds until all had arrived", str(outcome.settled_seconds))
    out.print(table)
    for line in [*outcome.dead, *(f"{count} x {error}" for error, count in outcome.errors.items())]:
        out.print(line, markup=False)


def write(outcome: Outcome, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(outcome.report(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
