"""How many connections there may be, at all and from one address; who does nothing makes room for who comes."""

from collections import Counter
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from gateway.metrics import CONNECTIONS, CONNECTIONS_ENDED

AT_MOST, PER_ADDRESS = 10_000, 1_000


class Guest(Protocol):
    def make_room(self) -> None:
        """End the connection, over which no call is under way."""


G = TypeVar("G", bound=Guest)


class Crowd(Generic[G]):
    """Counts HTTP connections alone: a WebSocket leaves it when it is opened, and the hub has limits of its own.

    Idle are all over which no call is under way: those that have not yet sent the whole head of one, too.
    """

    def __init__(self, at_most: int = AT_MOST, per_address: int = PER_ADDRESS) -> None:
        self.at_most, self.per_address = at_most, per_address
        self.many_behind: Callable[[str], bool] = lambda _: False  # a proxy stands for many clients
        self._here: dict[G, str | None] = {}
        self._from: Counter[str] = Counter()
        self._idle: dict[G, None] = {}  # the longest idle first
        self._idle_from: dict[str, dict[G, None]] = {}

    def __len__(self) -> int:
        return len(self._here)

    def admit(self, guest: G, address: str | None) -> bool:
        """Tells whether there was room, or room could be made. `address` is None where it stands for many clients."""
        if address is not None and self._from[address] >= self.per_address:
            return self._make_room(self._idle_from.get(address, {})) and self.admit(guest, address)
        if len(self._here) >= self.at_most:
            return self._make_room(self._idle) and self.admit(guest, address)
        self._here[guest] = address
        if address is not None:
            self._from[address] += 1
        CONNECTIONS.set(len(self._here))
        self.idle(guest)
        return True

    def idle(self, guest: G) -> None:
        if guest in self._here:
            self._idle[guest] = None
            address = self._here[guest]
            if address is not None:
                self._idle_from.setdefault(address, {})[guest] = None

    def busy(self, guest: G) -> None:
        self._idle.pop(guest, None)
        address = self._here.get(guest)
        if address is not None and (idle := self._idle_from.get(address)):
            idle.pop(guest, None)
            if not idle:
                del self._idle_from[address]

    def leave(self, guest: G) -> None:
        self.busy(guest)
        address = self._here.pop(guest, None)
        if address is not None:
            self._from[address] -= 1
            if not self._from[address]:
                del self._from[address]
        CONNECTIONS.set(len(self._here))

    def _make_room(self, idle: dict[G, None]) -> bool:
        guest = next(iter(idle), None)
        if guest is None:
            return False
        CONNECTIONS_ENDED.labels("room").inc()
        self.leave(guest)
        guest.make_room()
        return True
