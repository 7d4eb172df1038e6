"""The client of one service: limits its connections, chooses a replica for each call, and retries where it is safe."""

import asyncio
from collections import deque
from collections.abc import Sequence
from urllib.parse import SplitResult

from gateway.metrics import RETRIES
from gateway.upstream.connections import Connection
from gateway.upstream.dns import Addresses, Resolver, resolve_by_system
from gateway.upstream.errors import BrokenError, SlowError, UnreachableError, UpstreamError
from gateway.upstream.load_balancing import Replicas
from gateway.upstream.replica import Replica
from gateway.upstream.requests import Request, read_body

MAX_WAITING = 2_000  # calls without a connection
MOST_TRIES = 3
# A budget of retries: each call adds RETRY_SHARE (so one retry for five calls), and at most MOST_RETRIES are saved up.
RETRY_SHARE, MOST_RETRIES = 0.2, 20.0
Headers = Sequence[tuple[bytes, bytes]]


class Upstream:
    """A service. At most `limit` calls at once; further calls wait up to `connect_seconds`.

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
        resolve: Resolver = resolve_by_system,
    ) -> None:
        addresses = Addresses(urls, resolve)
        self._name = name
        self._host = addresses.host_header.encode()
        self.replicas = Replicas(name, addresses)
        self.connect_seconds = connect_seconds
        self.idle_seconds = idle_seconds
        self.free = limit  # how many more calls may start now
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._replica_of: dict[Connection, Replica] = {}
        self._retries = MOST_RETRIES

    async def request(self, request: Request) -> Connection:
        """Sends the request and waits for the headers of the answer. The caller reads the body and calls `release`.

        Raises UpstreamError, and what reading the request's body raises.
        """
        if self.free:
            self.free -= 1
        else:
            await self._wait_for_place()
        connection: Connection | None = None
        tried: list[Replica] = []
        try:
            replica = self.replicas.single or await self.replicas.choose()
            while connection is None:
                try:
                    connection = await replica.call(request)
                except UpstreamError as error:
                    tried.append(replica)
                    replica = self._other(error, request, tried)
        finally:
            if connection is None:
                self._free_place()
        if self._retries < MOST_RETRIES:
            self._retries += RETRY_SHARE
        self._replica_of[connection] = replica
        return connection

    def release(self, connection: Connection) -> None:
        """Ends a call that `request` began."""
        self._replica_of.pop(connection).release(connection)
        self._free_place()

    async def fetch(self, path: str, *, seconds: float, at_most: int, headers: Headers = ()) -> tuple[int, bytes]:
        """GETs a small document for the gateway itself: status and body. Raises UpstreamError.

        `seconds` for the whole call, `at_most` bytes of body.
        """
        own = [(b"host", self._host), (b"accept", b"application/json")]
        request = Request("GET", path.encode(), [*own, *headers], seconds, connect_seconds=seconds)
        try:
            async with asyncio.timeout(seconds):
                connection = await self.request(request)
                try:
                    return connection.status, await read_body(connection, seconds, at_most)
                finally:
                    self.release(connection)
        except TimeoutError as error:
            raise SlowError("no answer in time") from error

    def close(self) -> None:
        self.replicas.close()

    def _other(self, error: UpstreamError, request: Request, tried: list[Replica]) -> Replica:
        """Another replica for the same request, if nothing was sent or sending it twice does no harm.

        Raises the error if there is none, or if the budget of retries is spent: retries must not multiply the load on
        services that already fail.
        """
        self.replicas.request_look_up()
        unsent = isinstance(error, UnreachableError)
        harmless = isinstance(error, BrokenError) and not error.answering and request.repeatable
        other = self.replicas.other_than(tried) if unsent or harmless else None
        if other is None or len(tried) >= MOST_TRIES or self._retries < 1.0:
            raise error
        self._retries -= 1.0
        RETRIES.labels(self._name, type(error).__name__).inc()
        return other

    # -- calls that wait for a place among the `limit` calls

    async def _wait_for_place(self) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise UnreachableError("too many are waiting")
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        taken = False
        try:
            async with asyncio.timeout(self.connect_seconds):
                await place
            taken = True
        except TimeoutError as error:
            raise UnreachableError("no connection became free") from error
        finally:
            if not taken:
                self._stop_waiting(place)

    def _stop_waiting(self, place: "asyncio.Future[None]") -> None:
        if place.done() and not place.cancelled():
            self._free_place()  # it had been given a place just before
        elif place in self._waiting:
            self._waiting.remove(place)

    def _free_place(self) -> None:
        """Gives the place to the call that has waited longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.free += 1
