"""The replicas of a service: found, asked how they are, and chosen from (docs/adr/0039)."""

import asyncio
import random
import ssl
from collections.abc import Sequence

import orjson

from gateway.metrics import REPLICAS
from gateway.upstream.connections import UnreachableError, UpstreamError
from gateway.upstream.dns import Address, Addresses
from gateway.upstream.replica import Replica, ReplicaHealth
from gateway.upstream.requests import Request, read
from shared.observability.log import logger

PROBE_SECONDS, PROBE_SOON_SECONDS = 3.0, 0.5  # the latter while one of them is not well
PROBE_ANSWER_SECONDS = 1.5
LOOK_UP_SECONDS, LOOK_UP_SOON_SECONDS = 10.0, 1.0
REPORT_AT_MOST = 65_536

log = logger(__name__)


class Replicas:
    def __init__(self, service: str, addresses: Addresses) -> None:
        self.all: list[Replica] = []
        self._service = service
        self._addresses = addresses
        self._tls = ssl.create_default_context() if addresses.secure else None
        self._alone: Replica | None = None
        self._looked_up_at = float("-inf")
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()

    @property
    def alone(self) -> Replica | None:
        """The only one, while nothing speaks against it: in the usual case there is nothing to choose."""
        only = self._alone
        return only if only is not None and only.breaker.closed else None

    async def choose(self) -> Replica:
        """Raises UnreachableError when there is none to be tried now."""
        if not self.all:
            await self._look_up()
        found = _best(self.all)
        if found is None:
            waits = [replica.breaker.seconds_left for replica in self.all]
            raise UnreachableError("no replica is well" if waits else "no address is known", min(waits, default=0.0))
        return found

    def other_than(self, tried: Sequence[Replica]) -> Replica | None:
        return _best([replica for replica in self.all if replica not in tried])

    def look_up_soon(self) -> None:
        """Where a replica does not answer, its name may stand for another by now."""
        self._wake.set()

    async def watch(self) -> None:
        """For ever: look names up again, and ask each replica how it is."""
        while True:
            await self._look_up()
            await asyncio.gather(*(self._probe(replica) for replica in self.all))
            self._count()
            well = all(one.health is ReplicaHealth.READY and one.breaker.closed for one in self.all)
            pause = PROBE_SECONDS if well else PROBE_SOON_SECONDS
            await self._sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret

    def close(self) -> None:
        for replica in self.all:
            replica.close()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._looked_up_at = min(self._looked_up_at, _now() - LOOK_UP_SECONDS + LOOK_UP_SOON_SECONDS)
        await asyncio.sleep(LOOK_UP_SOON_SECONDS)
        self._wake.clear()

    async def _look_up(self) -> None:
        async with self._lock:
            due = LOOK_UP_SECONDS if self.all else LOOK_UP_SOON_SECONDS
            if _now() - self._looked_up_at < due or (self.all and self._addresses.fixed):
                return
            found = await self._addresses.look_up()
            self._looked_up_at = _now()
            known = {replica.address: replica for replica in self.all}
            self.all = [known.pop(one) if one in known else self._new(one) for one in found]
            self._alone = self.all[0] if len(self.all) == 1 else None
            for gone in known.values():
                gone.close()
            if known:
                log.info("replicas_gone", upstream=self._service, addresses=[str(one) for one in known])

    def _new(self, address: Address) -> Replica:
        return Replica(self._service, address, self._tls if address.secure else None)

    async def _probe(self, replica: Replica) -> None:
        replica.prune()
        host = str(replica.address).encode()
        request = Request(
            "GET",
            b"/health/ready",
            [(b"host", host)],
            first_byte_seconds=PROBE_ANSWER_SECONDS,
            connect_seconds=PROBE_ANSWER_SECONDS,
        )
        try:
            async with asyncio.timeout(2 * PROBE_ANSWER_SECONDS):
                connection = await replica.probe(request)
                try:
                    body = await read(connection, PROBE_ANSWER_SECONDS, REPORT_AT_MOST)
                finally:
                    replica.take_back(connection)
        except (UpstreamError, TimeoutError):
            replica.health = min(replica.health, ReplicaHealth.WAITING)
        else:
            replica.health = _health_of(connection.status, body)

    def _count(self) -> None:
        for health in ReplicaHealth:
            alike = sum(replica.health is health for replica in self.all)
            REPLICAS.labels(self._service, health.name.lower()).set(alike)


def _best(replicas: Sequence[Replica]) -> Replica | None:
    """Of those that stand highest, the less busy of two: that keeps many gateways from all choosing the same."""
    usable = [one for one in replicas if one.breaker.closed] or [one for one in replicas if one.breaker.allows()]
    if len(usable) < 2:
        return usable[0] if usable else None
    highest = max(one.health for one in usable)
    best = [one for one in usable if one.health is highest]
    if len(best) == 1:
        return best[0]
    one, other = random.sample(best, 2)
    return other if other.outstanding < one.outstanding else one


def _health_of(status: int, body: bytes) -> ReplicaHealth:
    if status != 503:
        return ReplicaHealth.READY
    try:
        report = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ReplicaHealth.WAITING
    draining = isinstance(report, dict) and report.get("status") == "draining"
    return ReplicaHealth.DRAINING if draining else ReplicaHealth.WAITING


def _now() -> float:
    return asyncio.get_running_loop().time()
