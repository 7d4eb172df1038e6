"""The gateway as a proxy, tokens checked and rates limited, against others: one core for each, the same upstream."""

import importlib.util
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import uuid4

from deploy.local.up import SERVICES
from tests.bench.figures import Figure, alone, at_least, at_most, by_turns, compared, percentile
from tests.bench.load import Next, drive, request
from tests.bench.proxies import Proxies
from tests.bench.stand import Bench, Platform
from tests.bench.tools import MissingError, run, wrk

PATH = "/api/v1/bookings"
CONNECTIONS = 32
PEOPLE = 200
CLIENTS = ("aiohttp", "httpx")  # against the gateway's own client of the services (docs/adr/0046)
START_SECONDS = 30.0
OTHERS = {"nginx": "nginx", "caddy": "Caddy", "haproxy": "HAProxy checking RS256"}
WRK = """
local tokens = {{ {tokens} }}
local requests, number = {{}}, 0
function init(args)
    for i, token in ipairs(tokens) do
        requests[i] = wrk.format("GET", "{path}", {{ ["Authorization"] = "Bearer " .. token }})
    end
end
function request()
    number = number % #requests + 1
    return requests[number]
end
"""
Arm = Callable[[], Awaitable[float]]


async def measure(bench: Bench) -> list[Figure]:
    apart = (os.cpu_count() or 1) > 1
    proxying, rest = (0, 1) if apart else (None, None)
    async with bench.platform() as platform:
        proxies = Proxies(platform, proxying)
        ports = {"direct": proxies.upstream(rest)}
        behind = f"http://127.0.0.1:{ports['direct']}"
        platform.environment |= {f"{name.upper()}_URL": behind for name in SERVICES}
        platform.environment |= {"JWKS_URL": f"{behind}/.well-known/jwks.json"}
        platform.start("gateway", core=proxying)
        ports["gateway"] = platform.port("gateway")
        for name in OTHERS:
            try:
                ports[name] = getattr(proxies, name)(ports["direct"])
            except MissingError as error:
                bench.say(f"gateway: not compared with {name}: {error}")
        for port in ports.values():
            await platform.listening(port)
        await platform.ready("gateway")
        rates = await _rates(bench, platform, ports, rest)
        return [*rates, *await _latencies(bench, platform, ports), *await _client_costs(bench, behind, proxying)]


def _tokens(platform: Platform) -> list[str]:
    return [platform.signer.token(uuid4()) for _ in range(PEOPLE)]


def _clients(tokens: Sequence[str], count: int) -> list[Next]:
    requests = itertools.cycle([request("GET", PATH, token=token) for token in tokens])
    return [lambda _: next(requests)] * count


async def _rates(bench: Bench, platform: Platform, ports: dict[str, int], core: int | None) -> list[Figure]:
    tokens, seconds = _tokens(platform), bench.options.seconds
    script = platform.folder / "wrk.lua"
    script.write_text(WRK.format(path=PATH, tokens=", ".join(f'"{token}"' for token in tokens)))

    def through(port: int) -> Arm:
        return lambda: _rate(port, tokens, script, seconds, core)

    took = await by_turns(bench.options.runs, {name: through(port) for name, port in ports.items()})
    goals = {"nginx": None, "caddy": at_least(1.0), "haproxy": at_least(0.6)}
    name, unit = "gateway, authenticated GET", "1/s"
    compare = [
        compared(name, unit, took["gateway"], OTHERS[other], took[other], goals[other])
        for other in OTHERS
        if other in took
    ]
    return [*compare, compared(name, unit, took["gateway"], "no proxy", took["direct"])]


async def _rate(port: int, tokens: Sequence[str], script: Path, seconds: int, core: int | None) -> float:
    try:
        url = f"http://127.0.0.1:{port}{PATH}"
        return (await wrk(url, script, connections=CONNECTIONS, seconds=seconds, core=core)).rate
    except MissingError:
        return (await drive(port, _clients(tokens, CONNECTIONS), seconds)).rate


async def _latencies(bench: Bench, platform: Platform, ports: dict[str, int]) -> list[Figure]:
    clients = _clients(_tokens(platform), 1)

    def through(port: int) -> Arm:
        async def median() -> float:
            return 1000 * percentile((await drive(port, clients, bench.options.seconds)).latencies, 50)

        return median

    names = [name for name in ("direct", "gateway", "nginx") if name in ports]
    took = await by_turns(bench.options.runs, {name: through(ports[name]) for name in names})
    added = {
        name: [value - direct_value for value, direct_value in zip(took[name], took["direct"], strict=True)]
        for name in took
    }
    name = "added latency of the gateway, 1 connection, p50"
    if "nginx" not in took:
        return [alone(name, "ms", added["gateway"])]
    return [compared(name, "ms", added["gateway"], "nginx", added["nginx"], at_most(0.2, of="difference"))]


async def _client_costs(bench: Bench, url: str, core: int | None) -> list[Figure]:
    """Processor time of one call through the gateway's client of the services, and through others."""
    others = [name for name in CLIENTS if importlib.util.find_spec(name)]
    for name in set(CLIENTS).difference(others):
        bench.say(f"gateway: its client is not compared with {name}, which is not installed")

    def through(name: str) -> Arm:
        return lambda: _microseconds_a_call(name, url, bench.options.seconds, core)

    took = await by_turns(bench.options.runs, {name: through(name) for name in ("gateway", *others)}, warm_up=False)
    name = "client of the services, processor time a call, 32 at once"
    goals = {"aiohttp": at_most(0.5)}
    return [compared(name, "us", took["gateway"], other, took[other], goals.get(other)) for other in others]


async def _microseconds_a_call(name: str, url: str, seconds: int, core: int | None) -> float:
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    command = [*pinned, sys.executable, "-m", "tests.bench.bare.http_client", name, f"{url}{PATH}", str(seconds)]
    cost = json.loads(await run(command, START_SECONDS + seconds))
    return float(1_000_000 * cost["processor_seconds"] / cost["calls"])
