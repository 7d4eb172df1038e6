"""Waiting for a condition, with a limit."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

PAUSE_SECONDS = 0.01

T = TypeVar("T")
Condition = Callable[[], Any | Awaitable[Any]]


async def until(condition: Condition, seconds: float = 15.0) -> Any:
    """What `condition` returns once it is true. Raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if inspect.isawaitable(result):
                result = await result
            if result:
                return result
            await asyncio.sleep(PAUSE_SECONDS)


async def eventually(
    read: Callable[[], Awaitable[T]], fits: Callable[[T], bool], what: str, seconds: float = 10.0
) -> T:
    """The first value read that fits. Raises AssertionError, which says `what` was waited for, after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while not fits(value := await read()):
                await asyncio.sleep(PAUSE_SECONDS)
            return value
    except TimeoutError:
        raise AssertionError(f"waited {seconds} s for {what}") from None
