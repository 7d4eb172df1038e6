"""A lean client of one service: its replicas, no more connections than allowed, and what may be tried again."""

import asyncio
from collections import deque
from collections.abc import Sequence
from urllib.parse import SplitResult

from gateway.metrics import RETRIES
from gateway.upstream.connections import BrokenError, Connection, SlowError, UnreachableError, UpstreamError
from gateway.upstream.dns import Addresses, Resolve, by_dns
from gateway.upstream.load_balancing import Replicas
from gateway.upstream.replica import Replica
from gateway.upstream.requests import Request, read

MAX_WAITING = 2_000
MOST_TRIES = 3
RETRY_SHARE, RETRIES_SAVED = 0.2, 20.0  # one retry for each five calls, and so many may come at once
Headers = Sequence[tuple[bytes, bytes]]


class Upstream:
    """At most `limit` connections to a service; who comes later waits, for `connect_seconds` at most.

    A host name in `urls` stands for all addresses that it resolves to.
    """

    def __init__(
        self,
        urls: Sequence[SplitResult],
        *,
        name: str = "",
        limit: int = 100,
        connect_seconds: float = 2.0,
        idle_seconds: float = 30.0,
        resolve: Resolve = by_dns,
    ) -> None:
        addresses = Addresses(urls, resolve)
        self._name = name
        self._host = addresses.host.encode()
        self.replicas = Replicas(name, addresses)
        self.connect_seconds = connect_seconds
        self.idle_seconds = idle_seconds
        self.free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._carrying: dict[Connection, Replica] = {}
        self._retries = RETRIES_SAVED

    async def request(self, request: Request) -> Connection:
        """Send it and wait for the answer's headers; the caller reads the body and calls `release`.

        Raises UpstreamError, or whatever reading the request's body raises.
        """
        if self.free:
            self.free -= 1
        else:
            await self._turn()
        connection: Connection | None = None
        tried: list[Replica] = []
        try:
            replica = self.replicas.alone or await self.replicas.choose()
            while connection is None:
                try:
                    connection = await replica.call(request)
                except UpstreamError as error:
                    tried.append(replica)
                    replica = self._other(error, request, tried)
        finally:
            if connection is None:
                self._next()
        if self._retries < RETRIES_SAVED:
            self._retries += RETRY_SHARE
        self._carrying[connection] = replica
        return connection

    def release(self, connection: Connection) -> None:
        self._carrying.pop(connection).take_back(connection)
        self._next()

    async def fetch(self, path: str, *, seconds: float, at_most: int, headers: Headers = ()) -> tuple[int, bytes]:
        """GET a small document as the gateway itself. Raises UpstreamError."""
        own = [(b"host", self._host), (b"accept", b"application/json")]
        request = Request("GET", path.encode(), [*own, *headers], seconds, connect_seconds=seconds)
        try:
            async with asyncio.timeout(seconds):
                connection = await self.request(request)
                try:
                    return connection.status, await read(connection, seconds, at_most)
                finally:
                    self.release(connection)
        except TimeoutError as error:
            raise SlowError("no answer in time") from error

    def close(self) -> None:
        self.replicas.close()

    def _other(self, error: UpstreamError, request: Request, tried: list[Replica]) -> Replica:
        """Another replica to try, where nothing was sent to the first, or it can do no harm. Raises the error when
        there is none, or retries are used up: they must not multiply the load on what is failing already."""
        self.replicas.look_up_soon()
        unsent = isinstance(error, UnreachableError)
        harmless = isinstance(error, BrokenError) and not error.answering and request.repeatable
        other = self.replicas.other_than(tried) if unsent or harmless else None
        if other is None or len(tried) >= MOST_TRIES or self._retries < 1.0:
            raise error
        self._retries -= 1.0
        RETRIES.labels(self._name, type(error).__name__).inc()
        return other

    # -- whose turn it is

    async def _turn(self) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise UnreachableError("too many are waiting")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        mine = False
        try:
            async with asyncio.timeout(self.connect_seconds):
                await turn
            mine = True
        except TimeoutError as error:
            raise UnreachableError("no connection came free") from error
        finally:
            if not mine:
                self._give_up(turn)

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        if turn.done() and not turn.cancelled():
            self._next()  # it had just been given a place
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1


__all__ = ["BrokenError", "Connection", "Request", "SlowError", "UnreachableError", "Upstream", "UpstreamError"]
