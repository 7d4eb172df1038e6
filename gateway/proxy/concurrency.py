"""How many calls of one address are handled at the same time."""

from gateway.errors import TooManyAtOnce


class CallsAtOnce:
    """Counts calls by network, WebSockets that are not open yet among them."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._calls: dict[str, int] = {}

    def enter(self, network: str) -> None:
        """Each call that was let in must `leave`. Raises TooManyAtOnce."""
        calls = self._calls.get(network, 0)
        if calls >= self._at_most:
            raise TooManyAtOnce
        self._calls[network] = calls + 1

    def leave(self, network: str) -> None:
        calls = self._calls[network] - 1
        if calls:
            self._calls[network] = calls
        else:
            del self._calls[network]
