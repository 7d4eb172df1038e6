"""The buckets of this gateway: what it has leased of each, and how calls use it up."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

from gateway.limits.lease_client import AwayError, Lease, LeaseClient, LeaseRequest
from gateway.limits.rules import Rule
from gateway.metrics import BUCKETS
from gateway.proxy.headers import Headers

MOST_BUCKETS = 20_000
Clock = Callable[[], float]


class Outcome(Enum):
    ALLOWED = 1
    REFUSED = 2
    AWAY = 3  # it cannot be counted


class Bucket:
    """One rule for one user, address or account. Has at most one lease; calls that find it used up wait for the next.

    Seconds are those of the database's clock, computed from the moment when the lease was requested. So a lease is
    never used for too long.
    """

    __slots__ = (
        *("free", "guess", "key", "lease_at", "lease_size", "lease_until", "left", "more_at", "refused_until"),
        *("requested_at", "rule", "used", "waiting"),
    )

    def __init__(self, rule: Rule, key: bytes) -> None:
        self.rule, self.key = rule, key
        self.left = self.lease_size = 0  # calls
        self.lease_until = 0  # the last second in which the lease can be used
        self.free = rule.at_most  # calls that are leased to nobody
        self.lease_at = self.requested_at = self.more_at = 0.0
        self.refused_until = float("-inf")
        self.guess = rule.ahead  # how many calls are likely to follow
        self.used: dict[int, int] = {}  # calls by second
        self.waiting: list[asyncio.Future[Outcome]] = []

    def take(self, now: float) -> bool:
        """Counts a call. Returns False if the lease is used up or has ended."""
        if self.left:
            second = int(self.lease_at + now - self.requested_at)
            if second <= self.lease_until:
                self.left -= 1
                self.used[second] = self.used.get(second, 0) + 1
                return True
        return False

    def seconds_until_more(self, now: float) -> int:
        """Whole seconds until more calls are allowed, rounded up; at least 1."""
        return max(1, math.ceil(self.more_at - now))

    def headers(self, now: float) -> Headers:
        return self.rule.headers(self.left + self.free, self.seconds_until_more(now))

    def next_request(self, now: float) -> LeaseRequest:
        """Asks for the calls that wait and for those likely to follow, and reports how the last lease was used."""
        needed, used = len(self.waiting), self.lease_size - self.left
        if self.lease_size and self.rule.ahead:
            self.guess = used if self.left else 2 * self.lease_size
        lease_size, used_by_second, self.used = self.lease_size, self.used, {}
        self.lease_size = self.left = 0
        self.requested_at = now
        rule = self.rule
        return LeaseRequest(
            key=self.key,
            at_most=rule.at_most,
            over=rule.over,
            hold=rule.hold,
            needed=needed,
            wanted=needed + self.guess,
            last_size=lease_size,
            last_until=self.lease_until,
            last_used=used_by_second,
        )

    def receive(self, lease: Lease, now: float) -> None:
        self.lease_size = self.left = lease.granted
        self.lease_at, self.lease_until = lease.at, int(lease.at) + self.rule.hold
        self.free = lease.free
        self.more_at = now + lease.more_in
        if not lease.granted:
            self.refused_until = self.more_at


class Buckets:
    def __init__(self, lease_client: LeaseClient, clock: Clock = time.monotonic, at_most: int = MOST_BUCKETS) -> None:
        self._lease_client = lease_client
        self.clock = clock
        self._at_most = at_most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()  # the one unused for longest is first

    def __len__(self) -> int:
        return len(self._buckets)

    def get(self, name: str, rule: Rule, key: Callable[[str], bytes]) -> Bucket:
        """The bucket of that name. The one unused for longest is dropped for a new one; its lease ends by itself."""
        bucket = self._buckets.get(name)
        if bucket is not None:
            self._buckets.move_to_end(name)
            return bucket
        bucket = self._buckets[name] = Bucket(rule, key(name))
        if len(self._buckets) > self._at_most:
            self._buckets.popitem(last=False)
        BUCKETS.set(len(self._buckets))
        return bucket

    async def take(self, bucket: Bucket) -> Outcome:
        """Counts a call; waits for a lease if there is none."""
        now = self.clock()
        if bucket.take(now):
            return Outcome.ALLOWED
        if now < bucket.refused_until:
            return Outcome.REFUSED
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        bucket.waiting.append(outcome)
        if len(bucket.waiting) == 1:
            self._lease_client.start(self._serve_waiting(bucket))
        return await outcome

    async def _serve_waiting(self, bucket: Bucket) -> None:
        """Requests leases until no call waits."""
        try:
            while bucket.waiting:
                try:
                    lease = await self._lease_client.lease(bucket.next_request(self.clock()))
                except AwayError:
                    _answer_waiting(bucket, Outcome.AWAY)
                    return
                bucket.receive(lease, self.clock())
                self._use_lease(bucket)
        finally:
            _answer_waiting(bucket, Outcome.AWAY)  # if this gateway is shutting down

    def _use_lease(self, bucket: Bucket) -> None:
        now = self.clock()
        waiting, bucket.waiting = bucket.waiting, []
        while waiting and bucket.take(now):
            outcome = waiting.pop(0)
            if not outcome.done():
                outcome.set_result(Outcome.ALLOWED)
        bucket.waiting = waiting
        if now < bucket.refused_until:
            _answer_waiting(bucket, Outcome.REFUSED)


def _answer_waiting(bucket: Bucket, outcome: Outcome) -> None:
    waiting, bucket.waiting = bucket.waiting, []
    for future in waiting:
        if not future.done():
            future.set_result(outcome)
