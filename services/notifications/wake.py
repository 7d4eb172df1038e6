"""Loops that look at once when there is something to do, and every so often in any case."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

_listening: WeakSet[asyncio.Event] = WeakSet()


def wake_after_commit(session: AsyncSession) -> None:
    """Let this process's loops look at once, rather than at their next poll."""
    event.listen(session.sync_session, "after_commit", lambda _: wake(), once=True)


def wake() -> None:
    for woken in _listening:
        woken.set()


async def repeat(step: Callable[[], Awaitable[int]], poll: float) -> None:
    """For ever: again at once while a step finds something to do, else when woken or after `poll` seconds."""
    woken = asyncio.Event()
    _listening.add(woken)
    while True:
        woken.clear()
        found = await step()
        obey_cancellation()
        if not found:
            with suppress(TimeoutError):
                async with asyncio.timeout(poll * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads load
                    await woken.wait()


def obey_cancellation() -> None:
    """Stop here if told to: in Python 3.11 `wait_for`, which drivers use, may swallow a cancellation, and an endless
    loop would then never end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
