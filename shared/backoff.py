"""Pauses between attempts: exponential growth up to a limit, with jitter so that processes do not retry in step."""

import random
from dataclasses import dataclass

USUAL_SPREAD = 0.2
MOST_DOUBLINGS = 30  # keeps the power within what a float holds


def jitter(seconds: float, spread: float = USUAL_SPREAD) -> float:
    """`seconds`, made shorter or longer at random by up to `spread` (0.2 is a fifth)."""
    return seconds * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - spreads load, guards no secret


@dataclass(frozen=True)
class Backoff:
    """Doubles the pause with each failure in a row, from `first` to `longest` seconds, before jitter.

    A spread of 1 lets a pause be anything from none to twice its length: for transactions that collided.
    """

    first: float
    longest: float
    spread: float = USUAL_SPREAD

    def pause(self, failures: int) -> float:
        """Seconds to wait after `failures` earlier failures in a row: 0 gives the first pause."""
        grown = self.first * 2.0 ** min(failures, MOST_DOUBLINGS)
        return jitter(min(self.longest, grown), self.spread)
