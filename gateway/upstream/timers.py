"""A deadline that moves with every call and is rarely reached."""

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class Timer:
    """Calls `on_deadline` once the deadline has passed.

    A timer of the event loop is expensive to set and to cancel. So a loop timer that fires before the current deadline
    is set again then; a connection needs one loop timer in many seconds instead of one or two for each call.
    """

    __slots__ = ("_deadline", "_fires_at", "_handle", "_loop", "_on_deadline")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_deadline: Callable[[], None]) -> None:
        self._loop = loop
        self._on_deadline = on_deadline
        self._deadline = self._fires_at = NEVER  # of the loop's clock, in seconds
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        """Sets the deadline `seconds` from now. Replaces an earlier deadline."""
        self._set(self._loop.time() + seconds)

    def pause(self) -> None:
        """Removes the deadline; keeps the loop timer for the next one."""
        self._deadline = NEVER

    def stop(self) -> None:
        """Removes the deadline and the loop timer."""
        self._deadline = NEVER
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _set(self, deadline: float) -> None:
        self._deadline = deadline
        if self._handle is not None:
            if self._fires_at <= deadline:
                return
            self._handle.cancel()
        self._fires_at = deadline
        self._handle = self._loop.call_at(deadline, self._fire)

    def _fire(self) -> None:
        self._handle = None
        if self._deadline <= self._fires_at:
            self._on_deadline()
        elif self._deadline != NEVER:
            self._set(self._deadline)
