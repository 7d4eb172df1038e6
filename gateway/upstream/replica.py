"""One replica of a service: its connections, how busy it is, and whether it is given more."""

import asyncio
import ssl
from enum import IntEnum

from gateway.metrics import BREAKERS_OPENED
from gateway.upstream.circuit_breaker import Breaker
from gateway.upstream.connections import BrokenError, Connection, UnreachableError, UpstreamError
from gateway.upstream.dns import Address
from gateway.upstream.requests import Request, exchange
from shared.observability.log import logger

IDLE_SECONDS = 4.0  # uvicorn closes after five; a call must not meet a connection that is being closed

log = logger(__name__)


class ReplicaHealth(IntEnum):
    """What a replica says of itself on /health/ready; the higher, the sooner it is given calls."""

    DRAINING = 0
    WAITING = 1  # something it needs is away; it may well answer what does not need that
    READY = 2  # also until it has been asked


class Replica:
    def __init__(self, service: str, address: Address, tls: ssl.SSLContext | None) -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._idle: list[Connection] = []
        self.address = address
        self.breaker = Breaker(self._loop.time)
        self.health = ReplicaHealth.READY
        self.outstanding = 0
        self.opened = 0
        self.gone = False  # no longer among the service's addresses

    async def probe(self, request: Request) -> Connection:
        """As `call`, whatever the breaker says: an answer closes it. That there is none is no call's failure and opens
        nothing, so that a service which was asked before it had started is called as soon as it answers."""
        self.outstanding += 1
        connection: Connection | None = None
        try:
            connection = await self._exchanged(request)
        finally:
            if connection is None:
                self.outstanding -= 1
        self.breaker.succeeded()
        return connection

    async def call(self, request: Request) -> Connection:
        """Once the answer's headers are there; whoever calls gives the connection back with `take_back`.

        Raises UpstreamError, or whatever reading the request's body raises.
        """
        self.outstanding += 1
        self.breaker.begin()
        connection: Connection | None = None
        try:
            connection = await self._exchanged(request)
        except UpstreamError:
            if self.breaker.failed():
                BREAKERS_OPENED.labels(self._service).inc()
                log.warning("breaker_opened", upstream=self._service, address=str(self.address))
            raise
        finally:
            if connection is None:
                self.breaker.abandoned()
                self.outstanding -= 1
        self.breaker.succeeded()
        return connection

    def take_back(self, connection: Connection) -> None:
        self.outstanding -= 1
        if not connection.finish():
            return
        if self.gone:
            connection.abort()
        else:
            self._idle.append(connection)

    async def _exchanged(self, request: Request) -> Connection:
        kept = self._kept()
        if kept is not None:
            try:
                return await exchange(kept, request)
            except BrokenError as error:
                if error.answering or not request.repeatable:
                    raise
                # It had been closed, which says nothing of the replica.
        return await exchange(await self._connect(request.connect_seconds), request)

    def _kept(self) -> Connection | None:
        newest_allowed = self._loop.time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and connection.idle_since > newest_allowed:
                return connection
            connection.abort()
        return None

    async def _connect(self, seconds: float) -> Connection:
        address = self.address
        try:
            async with asyncio.timeout(seconds):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._loop),
                    address.host,
                    address.port,
                    ssl=self._tls,
                    server_hostname=address.name if self._tls else None,
                )
        except OSError as error:  # TimeoutError is one
            raise UnreachableError(f"{address}: {type(error).__name__}") from error
        self.opened += 1
        return connection

    def prune(self) -> None:
        """Let go of connections that will not be used again."""
        oldest_allowed = self._loop.time() - IDLE_SECONDS
        kept = [one for one in self._idle if not one.closed and one.idle_since > oldest_allowed]
        for connection in set(self._idle).difference(kept):
            connection.abort()
        self._idle = kept

    def close(self) -> None:
        """No more calls; those under way are not disturbed."""
        self.gone = True
        while self._idle:
            self._idle.pop().abort()
