"""Booking: through the service, through the gateway too, and the SQL function alone by pgbench."""

import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from shared.testing.servers import as_owner
from tests.bench import salon
from tests.bench.figures import Figure, at_least, by_turns, compared
from tests.bench.identity import person
from tests.bench.load import Next, drive, request
from tests.bench.stand import Bench, Platform
from tests.bench.tools import pgbench

CLIENTS = 16
PEOPLE = 64


def clients_of(platform: Platform) -> list[Next]:
    """Each books one free time after another, every time as another customer."""
    tokens = [platform.signer.token(person("customer", number)) for number in range(salon.CUSTOMERS)]
    numbers = itertools.count()

    def following(_: bytes) -> bytes:
        number = next(numbers)
        key = {"Idempotency-Key": salon.new_key()}
        body = salon.order(number, PEOPLE)
        return request("POST", "/api/v1/bookings", token=tokens[number % salon.CUSTOMERS], body=body, headers=key)

    return [following] * CLIENTS


async def measure(bench: Bench) -> list[Figure]:
    figures = []
    people = partial(salon.people, count=PEOPLE)
    async with bench.platform("auth", "booking", "gateway", prepare=people, ROLE="api") as platform:
        script = await salon.book_script(platform.database_url, platform.folder, PEOPLE)
        clients = clients_of(platform)
        figures += await _figures(bench, platform, script, clients, "")
        # A slow disk makes everything equally slow and hides what the service costs: once more without waiting for it.
        await as_owner(platform.database_url, f"ALTER DATABASE {platform.database} SET synchronous_commit = off")
        platform.stop("booking")
        platform.start("booking")
        await platform.ready("booking")
        figures += await _figures(bench, platform, script, clients, ", disk not waited for")
    return figures


async def _figures(bench: Bench, platform: Platform, script: Path, clients: list[Next], how: str) -> list[Figure]:
    seconds = bench.options.seconds

    def through(name: str) -> Callable[[], Awaitable[float]]:
        async def rate() -> float:
            return (await drive(platform.port(name), clients, seconds, expected=201)).rate

        return rate

    async def alone() -> float:
        return await pgbench(platform.role_url("booking"), script, clients=CLIENTS, seconds=seconds)

    arms = {"sql": alone, "service": through("booking"), "gateway": through("gateway")}
    took = await by_turns(bench.options.runs, arms)
    service, gateway = took["service"], took["gateway"]
    return [
        compared(f"booking through the service{how}", "1/s", service, "pgbench", took["sql"], at_least(0.25)),
        compared(f"booking through the gateway{how}", "1/s", gateway, "without it", service, at_least(0.85)),
    ]
