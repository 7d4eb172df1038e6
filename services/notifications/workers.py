"""Background loops: they poll, and are woken when this process has stored work for them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from shared.backoff import jitter

# Seconds between waking and working: realtime messages of the same change go first, and deliveries that are stored
# together are sent together.
GATHER = 0.05


class WorkerGroup:
    """Loops that share one kind of work. Waking the group wakes one idle loop; that one wakes the next if there is too
    much work for it."""

    def __init__(self) -> None:
        self._loops: list[asyncio.Event] = []
        self._idle: list[asyncio.Event] = []
        _groups.add(self)

    def join(self) -> asyncio.Event:
        """Adds a loop. Returns the event that wakes it."""
        woken = asyncio.Event()
        self._loops.append(woken)
        return woken

    def wake_up(self) -> None:
        """Wakes one idle loop. If none is idle, every loop looks again after its current step."""
        sleeping = [woken for woken in self._idle if not woken.is_set()]
        for woken in sleeping[:1] or self._loops:
            woken.set()

    async def idle(self, woken: asyncio.Event, seconds: float) -> None:
        """Waits until woken, for at most `seconds`."""
        self._idle.append(woken)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await woken.wait()
                    await asyncio.sleep(GATHER)
        finally:
            self._idle.remove(woken)


_groups: WeakSet[WorkerGroup] = WeakSet()


def wake_workers_after_commit(session: AsyncSession) -> None:
    """Lets the loops of this process look for work right after the commit, instead of at their next poll."""
    event.listen(session.sync_session, "after_commit", lambda _: wake_workers(), once=True)


def wake_workers() -> None:
    for group in _groups:
        group.wake_up()


async def repeat(step: Callable[[], Awaitable[int]], poll: float, group: WorkerGroup | None = None) -> None:
    """Runs `step` forever: again at once while it finds work, else when woken or after about `poll` seconds."""
    group = group or WorkerGroup()
    woken = group.join()
    while True:
        woken.clear()
        count = await step()
        raise_if_cancelled()
        if not count:
            await group.idle(woken, jitter(poll))


def raise_if_cancelled() -> None:
    """Raises CancelledError if this task was cancelled.

    In Python 3.11 `wait_for`, which drivers use, may swallow a cancellation. An endless loop would then never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
