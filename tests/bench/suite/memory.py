"""The six idle processes, and six bare ones of the same libraries: proportional set size, and what idling costs."""

import asyncio

from deploy.local.up import SERVICES
from provisioning.processes import free_port
from tests.bench.figures import Figure, alone, at_most, by_turns, compared
from tests.bench.stand import Bench, Platform

SIX = (*SERVICES, "gateway")


async def measure(bench: Bench) -> list[Figure]:
    each: dict[str, list[float]] = {name: [] for name in SIX}
    cpu: list[float] = []
    settle = bench.options.size(10, 2)  # seconds

    async with bench.platform("mail", demo=True) as platform:

        async def ours() -> float:
            for name in SIX:
                platform.start(name)
            await platform.ready(*SIX)
            await asyncio.sleep(settle)
            before = platform.cpu(*SIX)
            await asyncio.sleep(settle)
            cpu.append(100 * (platform.cpu(*SIX) - before) / settle)
            for name in SIX:
                each[name].append(platform.memory(name))
            return await _weighed(platform, SIX)

        async def bare() -> float:
            ports = [free_port() for _ in SIX]
            names = [f"bare-{port}" for port in ports]
            for name, port in zip(names, ports, strict=True):
                platform.bare(name, "service", port)
            for port in ports:
                await platform.listening(port)
            await asyncio.sleep(settle)
            return await _weighed(platform, names)

        runs = min(3, bench.options.runs)
        took = await by_turns(runs, {"ours": ours, "bare": bare}, warm_up=False)
    against = "six bare FastAPI + SQLAlchemy + aio-pika"
    return [
        compared("memory of the six processes, idle", "MB", took["ours"], against, took["bare"], at_most(1.5)),
        *(alone(f"memory of {name}, idle", "MB", values) for name, values in each.items()),
        alone("processor time of the six, idle", "% of a core", cpu, at_most(3, of="value")),
    ]


async def _weighed(platform: Platform, names: tuple[str, ...] | list[str]) -> float:
    """And ended, as what they share with each other must not be shared with the next."""
    memory = platform.memory(*names)
    for name in names:
        await asyncio.to_thread(platform.stop, name)
    return memory
