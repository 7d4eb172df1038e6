"""How many calls of one address are handled at the same time."""

from collections import Counter

from gateway.errors import TooManyAtOnce


class CallsAtOnce:
    """Counts calls by network, WebSockets that are not open yet among them."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._calls: Counter[str] = Counter()

    def enter(self, network: str) -> None:
        """Each call that was let in must `leave`. Raises TooManyAtOnce."""
        if self._calls[network] >= self._at_most:
            raise TooManyAtOnce
        self._calls[network] += 1

    def leave(self, network: str) -> None:
        self._calls[network] -= 1
        if not self._calls[network]:
            del self._calls[network]
