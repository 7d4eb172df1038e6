"""A deadline that is moved at every call and hardly ever reached."""

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class Timer:
    """Calls `at_deadline` once the deadline, in seconds of the loop's clock, has passed.

    A timer of the event loop is expensive: one that fires too early for the deadline then set is set again, so a
    connection needs one in many seconds rather than one or two for every call.
    """

    __slots__ = ("_at_deadline", "_deadline", "_fires_at", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, at_deadline: Callable[[], None]) -> None:
        self._loop = loop
        self._at_deadline = at_deadline
        self._deadline = self._fires_at = NEVER
        self._handle: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> None:
        """Sets the deadline, in place of one set before."""
        self._set(self._loop.time() + seconds)

    def pause(self) -> None:
        """There is no deadline until the next is set."""
        self._deadline = NEVER

    def stop(self) -> None:
        """There is none, and the loop holds nothing for it."""
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
            self._at_deadline()
        elif self._deadline != NEVER:
            self._set(self._deadline)
