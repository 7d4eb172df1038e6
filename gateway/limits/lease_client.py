"""Shares of buckets from the database: many a trip, and a plain answer while it is away."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from gateway.limits import queries
from gateway.metrics import LEASE_SECONDS, LEASES, RATE_LIMITS_AWAY
from shared.database.autocommit import lost
from shared.database.session import Database
from shared.jobs import AWAY as AWAY_ERRORS
from shared.observability.log import logger

SECONDS = 2.0  # a trip may take; a call waits for it
TRIPS_AT_ONCE = 2
MOST_A_TRIP = 100
PROBE_SECONDS = 1.0

log = logger(__name__)


class AwayError(Exception):
    """It cannot be counted now."""


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    key: bytes
    at_most: int
    over: int
    hold: int
    needed: int
    wanted: int
    # How the share before was used: how much it was, until which second it held, and how many in which seconds.
    lent: int = 0
    lent_until: int = 0
    used: dict[int, int] = field(default_factory=dict)

    def told_nothing(self) -> "LeaseRequest":
        return replace(self, lent=0, used={})

    def written(self, place: int) -> dict[str, Any]:
        return {
            "place": place,
            "key": self.key.hex(),
            "at_most": self.at_most,
            "over": self.over,
            "hold": self.hold,
            "needed": self.needed,
            "wanted": self.wanted,
            "lent": self.lent,
            "lent_until": self.lent_until,
            "seconds": list(self.used),
            "counts": list(self.used.values()),
        }


@dataclass(frozen=True, slots=True)
class Lease:
    granted: int
    free: int  # what is left for everybody
    at: float  # by the database's clock
    back_in: float  # seconds until more comes back


class LeaseClient:
    def __init__(self, database: Database, now: Callable[[], datetime | None] = lambda: None) -> None:
        self._database = database
        self._now = now
        self._waiting: list[tuple[LeaseRequest, asyncio.Future[Lease]]] = []
        self._trips = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.away = False
        RATE_LIMITS_AWAY.set(0)

    async def lease(self, ask: LeaseRequest) -> Lease:
        """Raises AwayError; at once while that is known."""
        if self.away:
            raise AwayError
        answer: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, answer))
        if self._trips < TRIPS_AT_ONCE:
            self._trips += 1
            self.start(self._work())
        return await answer

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background, until `close`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> None:
        batch: list[tuple[LeaseRequest, asyncio.Future[Lease]]] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_A_TRIP], self._waiting[MOST_A_TRIP:]
                await self._serve(batch)
        finally:
            self._trips -= 1
            _fail(batch)  # the ones that have no answer, when this ends before its time

    async def _serve(self, batch: list[tuple[LeaseRequest, asyncio.Future[Lease]]]) -> None:
        try:
            rows = await self._trip([ask for ask, _ in batch])
        except AWAY_ERRORS as error:
            self._lost(error)
            waiting, self._waiting = self._waiting, []
            _fail([*batch, *waiting])
            return
        for row in rows:
            answer = batch[row["place"]][1]
            if not answer.done():
                answer.set_result(Lease(row["granted"], row["free"], row["at"], row["back_in"]))

    async def _trip(self, asks: Sequence[LeaseRequest]) -> Sequence[Mapping[str, Any]]:
        LEASES.inc(len(asks))
        with LEASE_SECONDS.time():
            async with asyncio.timeout(SECONDS):
                try:
                    return await self._call(asks)
                except AWAY_ERRORS as error:
                    if not lost(error):
                        raise
                # A kept connection had been closed. Should it have counted after all, what was lent is lost; what was
                # told of the share before must not be told twice.
                return await self._call([ask.told_nothing() for ask in asks])

    async def _call(self, asks: Sequence[LeaseRequest]) -> Sequence[Mapping[str, Any]]:
        written = orjson.dumps([ask.written(place) for place, ask in enumerate(asks)]).decode()
        return await queries.lease(self._database, written, self._now())

    def _lost(self, error: Exception) -> None:
        if self.away:
            return
        self.away = True
        RATE_LIMITS_AWAY.set(1)
        log.warning("rate_limits_away", error=type(error).__name__)
        self.start(self._probe())

    async def _probe(self) -> None:
        """Nobody waits while it is found out whether the database is back."""
        while self.away:
            await asyncio.sleep(PROBE_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - spreads load
            try:
                await self._trip([])
            except AWAY_ERRORS:
                continue
            self.away = False
            RATE_LIMITS_AWAY.set(0)
            log.info("rate_limits_back")


def _fail(batch: Sequence[tuple[LeaseRequest, asyncio.Future[Lease]]]) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(AwayError())
