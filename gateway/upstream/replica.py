"""One replica of a service: its pool of connections, its load, its health and its circuit breaker."""

import asyncio
import ssl
from enum import IntEnum

from gateway.metrics import BREAKERS_OPENED
from gateway.upstream.circuit_breaker import CircuitBreaker
from gateway.upstream.connections import Connection
from gateway.upstream.dns import Address
from gateway.upstream.errors import BrokenError, UnreachableError, UpstreamError
from gateway.upstream.requests import Request, exchange
from shared.observability.log import logger

IDLE_SECONDS = 4.0  # uvicorn closes idle connections after 5 s; a call must not use one that is being closed

log = logger(__name__)


class ReplicaHealth(IntEnum):
    """What a replica reports on /health/ready. A higher value is given calls first."""

    DRAINING = 0
    WAITING = 1  # something it needs is away; it can still answer calls that do not need it
    READY = 2  # also before the first probe


class Replica:
    def __init__(self, service: str, address: Address, tls: ssl.SSLContext | None) -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._idle: list[Connection] = []
        self.address = address
        self.breaker = CircuitBreaker(self._loop.time)
        self.health = ReplicaHealth.READY
        self.outstanding = 0  # calls in progress
        self.connections_opened = 0
        self.removed = False  # no longer among the service's addresses

    async def probe(self, request: Request) -> Connection:
        """As `call`, also while the breaker is open. An answer closes the breaker.

        A failed probe does not count as a failed call: a service that was probed before it had started gets calls as
        soon as it answers.
        """
        self.outstanding += 1
        connection: Connection | None = None
        try:
            connection = await self._exchange(request)
        finally:
            if connection is None:
                self.outstanding -= 1
        self.breaker.record_success()
        return connection

    async def call(self, request: Request) -> Connection:
        """Sends the request and waits for the headers of the answer. The caller passes the connection to `release`.

        Raises UpstreamError, and what reading the request's body raises.
        """
        self.outstanding += 1
        self.breaker.begin()
        connection: Connection | None = None
        try:
            connection = await self._exchange(request)
        except UpstreamError:
            if self.breaker.record_failure():
                BREAKERS_OPENED.labels(self._service).inc()
                log.warning("breaker_opened", upstream=self._service, address=str(self.address))
            raise
        finally:
            if connection is None:
                self.breaker.record_no_outcome()
                self.outstanding -= 1
        self.breaker.record_success()
        return connection

    def release(self, connection: Connection) -> None:
        """Ends the call. Keeps the connection for the next one if that is possible."""
        self.outstanding -= 1
        if not connection.finish():
            return
        if self.removed:
            connection.abort()
        else:
            self._idle.append(connection)

    def close_idle(self) -> None:
        """Closes connections that were idle for too long to be used again."""
        idle_since = self._loop.time() - IDLE_SECONDS
        kept = [connection for connection in self._idle if not connection.closed and connection.idle_since > idle_since]
        for connection in set(self._idle).difference(kept):
            connection.abort()
        self._idle = kept

    def close(self) -> None:
        """Takes no more calls. Calls in progress go on."""
        self.removed = True
        while self._idle:
            self._idle.pop().abort()

    async def _exchange(self, request: Request) -> Connection:
        idle = self._take_idle()
        if idle is not None:
            try:
                return await exchange(idle, request)
            except BrokenError as error:
                if error.answering or not request.repeatable:
                    raise
                # The service had closed the idle connection, which is no failure of the replica.
        return await exchange(await self._connect(request.connect_seconds), request)

    def _take_idle(self) -> Connection | None:
        idle_since = self._loop.time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and connection.idle_since > idle_since:
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
        except OSError as error:  # TimeoutError is an OSError
            raise UnreachableError(f"{address}: {type(error).__name__}") from error
        self.connections_opened += 1
        return connection
