"""Loops that look at once when there is something to do, and every so often in any case."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

# After waking, in seconds: realtime messages of the same change go first, and what is stored together is sent together.
GATHER = 0.05


class WorkerGroup:
    """Loops that share one kind of work. One of the idle is woken, and wakes the next when it finds too much."""

    def __init__(self) -> None:
        self._members: list[asyncio.Event] = []
        self._idle: list[asyncio.Event] = []
        _teams.add(self)

    def join(self) -> asyncio.Event:
        self._members.append(woken := asyncio.Event())
        return woken

    def wake(self) -> None:
        """Nobody idle: each looks again once it is done."""
        for woken in [one for one in self._idle if not one.is_set()][:1] or self._members:
            woken.set()

    async def idle(self, woken: asyncio.Event, seconds: float) -> None:
        """Until woken, for so many seconds at most."""
        self._idle.append(woken)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await woken.wait()
                    await asyncio.sleep(GATHER)
        finally:
            self._idle.remove(woken)


_teams: WeakSet[WorkerGroup] = WeakSet()


def wake_workers_after_commit(session: AsyncSession) -> None:
    """Let this process's loops look at once, rather than at their next poll."""
    event.listen(session.sync_session, "after_commit", lambda _: wake(), once=True)


def wake() -> None:
    for team in _teams:
        team.wake()


async def repeat(step: Callable[[], Awaitable[int]], poll: float, team: WorkerGroup | None = None) -> None:
    """For ever: again at once while a step finds something to do, else when woken or after `poll` seconds."""
    team = team or WorkerGroup()
    woken = team.join()
    while True:
        woken.clear()
        found = await step()
        obey_cancellation()
        if not found:
            await team.idle(woken, poll * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load


def obey_cancellation() -> None:
    """Stop here if told to: in Python 3.11 `wait_for`, which drivers use, may swallow a cancellation, and an endless
    loop would then never end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
