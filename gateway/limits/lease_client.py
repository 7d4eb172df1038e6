"""Leases parts of buckets from the database: many in one request, and without waiting while the database is away."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from gateway.limits import queries
from gateway.metrics import LEASE_SECONDS, LEASES, RATE_LIMITS_AWAY
from shared.backoff import jitter
from shared.database.session import Database
from shared.jobs import AWAY as AWAY_ERRORS
from shared.observability.log import logger

DATABASE_SECONDS = 2.0  # for one request; calls wait for it
REQUESTS_AT_ONCE = 2
MOST_LEASES = 100  # in one request
PROBE_SECONDS = 0.75
LOST = (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, OSError)

log = logger(__name__)


class AwayError(Exception):
    """The database is away, so nothing can be counted."""


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """At most `at_most` calls in any `over` seconds; a lease can be used for `hold` seconds.

    `needed` calls wait now, `wanted` are those and the likely next ones. The last lease had `last_size` calls, could be
    used until the second `last_until`, and was used in these seconds (`last_used`).
    """

    key: bytes
    at_most: int
    over: int
    hold: int
    needed: int
    wanted: int
    last_size: int = 0
    last_until: int = 0
    last_used: dict[int, int] = field(default_factory=dict)

    def without_report(self) -> "LeaseRequest":
        """The same request, without the report of how the last lease was used."""
        return replace(self, last_size=0, last_used={})

    def as_json(self, number: int) -> dict[str, Any]:
        """What the SQL function `gateway.lease` takes. `number`: counts the requests of the batch, from 0."""
        return {
            "number": number,
            "key": self.key.hex(),
            "at_most": self.at_most,
            "over": self.over,
            "hold": self.hold,
            "needed": self.needed,
            "wanted": self.wanted,
            "leased": self.last_size,
            "leased_until": self.last_until,
            "seconds": list(self.last_used),
            "counts": list(self.last_used.values()),
        }


@dataclass(frozen=True, slots=True)
class Lease:
    granted: int  # calls
    free: int  # calls that are leased to nobody
    at: float  # when, in seconds of the database's clock
    more_in: float  # seconds until more calls are allowed


Waiting = tuple[LeaseRequest, asyncio.Future[Lease]]


class LeaseClient:
    def __init__(self, database: Database, now: Callable[[], datetime | None] = lambda: None) -> None:
        self._database = database
        self._now = now
        self._waiting: list[Waiting] = []
        self._workers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.away = False
        RATE_LIMITS_AWAY.set(0)

    async def lease(self, request: LeaseRequest) -> Lease:
        """Raises AwayError: at once while the database is known to be away."""
        if self.away:
            raise AwayError
        lease: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, lease))
        if self._workers < REQUESTS_AT_ONCE:
            self._workers += 1
            self.start(self._work())
        return await lease

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it in the background until it ends or `close` cancels it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> None:
        batch: list[Waiting] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_LEASES], self._waiting[MOST_LEASES:]
                await self._serve(batch)
        finally:
            self._workers -= 1
            _fail(batch)  # those without an answer, if this task was cancelled

    async def _serve(self, batch: list[Waiting]) -> None:
        try:
            rows = await self._request([request for request, _ in batch])
        except AWAY_ERRORS as error:
            self._go_away(error)
            waiting, self._waiting = self._waiting, []
            _fail([*batch, *waiting])
            return
        for row in rows:
            lease = batch[row["number"]][1]
            if not lease.done():
                lease.set_result(Lease(row["granted"], row["free"], row["at"], row["back_in"]))

    async def _request(self, requests: Sequence[LeaseRequest]) -> Sequence[Mapping[str, Any]]:
        LEASES.inc(len(requests))
        with LEASE_SECONDS.time():
            async with asyncio.timeout(DATABASE_SECONDS):
                try:
                    return await self._query(requests)
                except AWAY_ERRORS as error:
                    if not _connection_lost(error):
                        raise
                # The pooled connection was closed. If the first request was committed after all, its leases are lost;
                # the reports in it must not count twice.
                return await self._query([request.without_report() for request in requests])

    async def _query(self, requests: Sequence[LeaseRequest]) -> Sequence[Mapping[str, Any]]:
        document = orjson.dumps([request.as_json(place) for place, request in enumerate(requests)]).decode()
        return await queries.lease(self._database, document, self._now())

    def _go_away(self, error: Exception) -> None:
        if self.away:
            return
        self.away = True
        RATE_LIMITS_AWAY.set(1)
        log.warning("rate_limits_away", error=type(error).__name__)
        self.start(self._probe())

    async def _probe(self) -> None:
        """Asks until the database is back. No call waits for it."""
        while self.away:
            await asyncio.sleep(jitter(PROBE_SECONDS, 1 / 3))
            try:
                await self._request([])
            except AWAY_ERRORS:
                continue
            self.away = False
            RATE_LIMITS_AWAY.set(0)
            log.info("rate_limits_back")


def _fail(batch: Sequence[Waiting]) -> None:
    for _, lease in batch:
        if not lease.done():
            lease.set_exception(AwayError())


def _connection_lost(error: Exception) -> bool:
    """Whether the error ended the connection, so that the call may succeed on another one."""
    ended = isinstance(error, asyncpg.PostgresError) and str(error.sqlstate).startswith("57P")  # ended by an operator
    return ended or isinstance(error, LOST)
