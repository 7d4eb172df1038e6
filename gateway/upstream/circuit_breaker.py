"""A circuit breaker: a replica that fails several times in a row gets no calls for a while, then one trial call."""

from collections.abc import Callable

from shared.backoff import Backoff

FAILURES = 5  # in a row
BACKOFF = Backoff(first=0.5, longest=5.0)


class CircuitBreaker:
    """Closed: all calls pass. Open: none. Half-open: one trial call passes, and its outcome closes or opens it."""

    __slots__ = ("_clock", "_failures", "_open_until", "_openings", "_trial_running", "closed")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.closed = True
        self._clock = clock
        self._failures = self._openings = 0  # since the last success
        self._open_until = 0.0
        self._trial_running = False

    @property
    def seconds_left(self) -> float:
        """Seconds until a trial call is allowed."""
        return 0.0 if self.closed else max(0.0, self._open_until - self._clock())

    def allows(self) -> bool:
        return self.closed or not (self._trial_running or self.seconds_left)

    def begin(self) -> None:
        """A call goes out. One of the three methods below must follow."""
        if not self.closed:
            self._trial_running = True

    def record_success(self) -> None:
        self.closed, self._trial_running = True, False
        self._failures = self._openings = 0

    def record_failure(self) -> bool:
        """Returns whether this failure opened the breaker."""
        self._failures += 1
        # While open, only the trial call counts: other failures are of calls that were sent before it opened.
        ignored = self._failures < FAILURES if self.closed else not self._trial_running
        if ignored:
            return False
        self.closed, self._trial_running = False, False
        self._open_until = self._clock() + BACKOFF.pause(self._openings)
        self._openings += 1
        return self._openings == 1

    def record_no_outcome(self) -> None:
        """The caller left before the call succeeded or failed."""
        self._trial_running = False
