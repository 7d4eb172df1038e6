"""A circuit breaker: who has failed several times in a row is left alone for a while, and then tried with one call."""

import random
from collections.abc import Callable

FAILURES = 5  # in a row
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 5.0


class Breaker:
    """Closed lets all calls through; open none; half-open one, on whose outcome it depends."""

    __slots__ = ("_clock", "_failures", "_opened", "_trying", "_until", "closed")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.closed = True
        self._clock = clock
        self._failures = self._opened = 0  # how often it has opened since the last success
        self._until = 0.0
        self._trying = False

    @property
    def seconds_left(self) -> float:
        return 0.0 if self.closed else max(0.0, self._until - self._clock())

    def allows(self) -> bool:
        return self.closed or not (self._trying or self.seconds_left)

    def begin(self) -> None:
        """A call goes out; each is followed by one of the three below."""
        if not self.closed:
            self._trying = True

    def succeeded(self) -> None:
        self.closed, self._trying = True, False
        self._failures = self._opened = 0

    def failed(self) -> bool:
        """Tells whether that opened it."""
        self._failures += 1
        early = self._failures < FAILURES if self.closed else not self._trying  # the latter: sent before it opened
        if early:
            return False
        self.closed, self._trying = False, False
        seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._opened)
        self._until = self._clock() + seconds * random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
        self._opened += 1
        return self._opened == 1

    def abandoned(self) -> None:
        """The caller left before there was an outcome."""
        self._trying = False
