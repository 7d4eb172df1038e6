"""The replicas of a service: looked up, probed, and chosen for each call (docs/adr/0039)."""

import asyncio
import random
import ssl
from collections.abc import Sequence

import orjson

from gateway.metrics import REPLICAS
from gateway.upstream.dns import Address, Addresses
from gateway.upstream.errors import UnreachableError, UpstreamError
from gateway.upstream.replica import Replica, ReplicaHealth
from gateway.upstream.requests import Request, read_body
from shared.backoff import jitter
from shared.observability.log import logger

PROBE_SECONDS, PROBE_SOON_SECONDS = 3.0, 0.5  # between probes; the latter while a replica is not ready
PROBE_ANSWER_SECONDS = 1.5
LOOK_UP_SECONDS, LOOK_UP_SOON_SECONDS = 10.0, 1.0  # between look-ups; the latter after a failed call
MAX_REPORT_BYTES = 65_536

log = logger(__name__)


class Replicas:
    def __init__(self, service: str, addresses: Addresses) -> None:
        self.all: list[Replica] = []
        self._service = service
        self._addresses = addresses
        self._tls = ssl.create_default_context() if addresses.secure else None
        self._single: Replica | None = None
        self._looked_up_at = float("-inf")
        self._lock = asyncio.Lock()
        self._look_up_requested = asyncio.Event()

    @property
    def single(self) -> Replica | None:
        """The replica of a service that has one, while its breaker is closed. Then there is nothing to choose."""
        single = self._single
        return single if single is not None and single.breaker.closed else None

    async def choose(self) -> Replica:
        """Raises UnreachableError if no replica can be called now."""
        if not self.all:
            await self._look_up()
        best = _best(self.all)
        if best is None:
            waits = [replica.breaker.seconds_left for replica in self.all]
            raise UnreachableError("no replica is well" if waits else "no address is known", min(waits, default=0.0))
        return best

    def other_than(self, tried: Sequence[Replica]) -> Replica | None:
        return _best([replica for replica in self.all if replica not in tried])

    def request_look_up(self) -> None:
        """Looks up the names soon: after a failed call a name may have another address."""
        self._look_up_requested.set()

    async def watch(self) -> None:
        """Looks up the names and probes each replica, for ever."""
        while True:
            await self._look_up()
            await asyncio.gather(*(self._probe(replica) for replica in self.all))
            self._measure()
            well = all(replica.health is ReplicaHealth.READY and replica.breaker.closed for replica in self.all)
            await self._sleep(jitter(PROBE_SECONDS if well else PROBE_SOON_SECONDS))

    def close(self) -> None:
        for replica in self.all:
            replica.close()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._look_up_requested.wait()
        except TimeoutError:
            return
        self._looked_up_at = min(self._looked_up_at, _now() - LOOK_UP_SECONDS + LOOK_UP_SOON_SECONDS)
        await asyncio.sleep(LOOK_UP_SOON_SECONDS)
        self._look_up_requested.clear()

    async def _look_up(self) -> None:
        async with self._lock:
            pause = LOOK_UP_SECONDS if self.all else LOOK_UP_SOON_SECONDS
            if _now() - self._looked_up_at < pause or (self.all and self._addresses.fixed):
                return
            addresses = await self._addresses.look_up()
            self._looked_up_at = _now()
            known = {replica.address: replica for replica in self.all}
            self.all = [known.pop(address) if address in known else self._new(address) for address in addresses]
            self._single = self.all[0] if len(self.all) == 1 else None
            for replica in known.values():
                replica.close()
            if known:
                log.info("replicas_gone", upstream=self._service, addresses=[str(address) for address in known])

    def _new(self, address: Address) -> Replica:
        return Replica(self._service, address, self._tls if address.secure else None)

    async def _probe(self, replica: Replica) -> None:
        replica.close_idle()
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
                    body = await read_body(connection, PROBE_ANSWER_SECONDS, MAX_REPORT_BYTES)
                finally:
                    replica.release(connection)
        except (UpstreamError, TimeoutError):
            replica.health = min(replica.health, ReplicaHealth.WAITING)
        else:
            replica.health = _health_of(connection.status, body)

    def _measure(self) -> None:
        for health in ReplicaHealth:
            count = sum(replica.health is health for replica in self.all)
            REPLICAS.labels(self._service, health.name.lower()).set(count)


def _best(replicas: Sequence[Replica]) -> Replica | None:
    """Of the replicas with the best health, two drawn at random, and of these the less busy one.

    With "the least busy of all", many gateways would choose the same replica.
    """
    usable = [replica for replica in replicas if replica.breaker.closed]
    usable = usable or [replica for replica in replicas if replica.breaker.allows()]
    if len(usable) < 2:
        return usable[0] if usable else None
    highest = max(replica.health for replica in usable)
    best = [replica for replica in usable if replica.health is highest]
    if len(best) == 1:
        return best[0]
    first, second = random.sample(best, 2)
    return second if second.outstanding < first.outstanding else first


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
