"""What goes wrong during the run: everything that can be killed is, at random, and comes back by itself."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

from shared.testing.proxy import Proxy
from tests.chaos.servers import Server
from tests.e2e.stack import SERVICES, Stack

PROCESSES = (*SERVICES, "gateway")
SUPERVISED_EVERY = 0.5
CALM = (1.5, 5.0)  # seconds between two troubles
CUT_SECONDS = (0.1, 3.0)
DOWN_SECONDS = (0.0, 3.0)


class Trouble:
    def __init__(
        self, stack: Stack, servers: tuple[Server, Server], proxies: tuple[Proxy, Proxy], randomness: random.Random
    ) -> None:
        self._stack = stack
        self._database, self._broker = servers
        self._database_link, self._broker_link = proxies
        self._random = randomness
        self.kills: Counter[str] = Counter()

    async def supervise(self) -> None:
        """Starts again what has ended, as systemd or a container engine does."""
        while True:
            for name in PROCESSES:
                process = self._stack.processes.get(name)
                if process is not None and process.poll() is not None:
                    self._stack.start(name)
            await asyncio.sleep(SUPERVISED_EVERY)

    async def make(self, until: asyncio.Event, broker_stop_seconds: float) -> None:
        """One trouble after another, the long stop of the broker somewhere in the first half."""
        troubles = self._kinds()
        long_stop = self._random.randint(3, 8)
        count = 0
        while not until.is_set():
            await asyncio.sleep(self._random.uniform(*CALM))
            count += 1
            if count == long_stop:
                await self._stop_broker(broker_stop_seconds)
            else:
                await self._random.choice(troubles)()

    def _kinds(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            *[self._kill_process] * 6,
            *[self._cut_database] * 2,
            *[self._cut_broker] * 2,
            self._kill_database,
            self._kill_broker,
        ]

    async def _kill_process(self) -> None:
        name = self._random.choice(PROCESSES)
        process = self._stack.processes[name]
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            self.kills[name] += 1

    async def _kill_database(self) -> None:
        await self._database.kill()
        self.kills["database"] += 1
        await asyncio.sleep(self._random.uniform(*DOWN_SECONDS))
        await self._database.start()

    async def _kill_broker(self) -> None:
        await self._broker.kill()
        self.kills["broker"] += 1
        await asyncio.sleep(self._random.uniform(*DOWN_SECONDS))
        await self._broker.start()

    async def _stop_broker(self, seconds: float) -> None:
        await self._broker.stop()
        self.kills["broker stopped"] += 1
        await asyncio.sleep(seconds)
        await self._broker.start()

    async def _cut_database(self) -> None:
        await self._cut(self._database_link, "database link")

    async def _cut_broker(self) -> None:
        await self._cut(self._broker_link, "broker link")

    async def _cut(self, link: Proxy, name: str) -> None:
        await link.cut()
        self.kills[name] += 1
        await asyncio.sleep(self._random.uniform(*CUT_SECONDS))
        await link.restore()
