"""What this gateway has borrowed of each bucket, and how it is spent."""

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

MOST_KEPT = 20_000
Clock = Callable[[], float]


class Outcome(Enum):
    ALLOWED = 1
    REFUSED = 2
    AWAY = 3


class Bucket:
    """One share at a time. Whoever comes when it is spent waits for the next, all for the same one.

    It counts in seconds of the database's clock, reckoned from when the share was asked for, and so never too early.
    """

    __slots__ = (
        *("asked_at", "at", "back_at", "free", "guess", "key", "left", "lent", "refused_until", "rule", "until"),
        *("used", "waiting"),
    )

    def __init__(self, rule: Rule, key: bytes) -> None:
        self.rule, self.key = rule, key
        self.left = self.lent = self.until = 0
        self.free = rule.at_most
        self.at = self.asked_at = self.back_at = 0.0
        self.refused_until = float("-inf")
        self.guess = rule.ahead
        self.used: dict[int, int] = {}
        self.waiting: list[asyncio.Future[Outcome]] = []

    def take(self, now: float) -> bool:
        if self.left:
            second = int(self.at + now - self.asked_at)
            if second <= self.until:
                self.left -= 1
                self.used[second] = self.used.get(second, 0) + 1
                return True
        return False

    def seconds(self, now: float) -> int:
        """Until more comes back, in whole ones, of which the last may have begun."""
        return max(1, math.ceil(self.back_at - now))

    def told(self, now: float) -> Headers:
        return self.rule.told(self.left + self.free, self.seconds(now))

    def ask(self, now: float) -> LeaseRequest:
        """For all who wait, and as many more as are likely to follow; with how the last share was used."""
        needed, used = len(self.waiting), self.lent - self.left
        if self.lent and self.rule.ahead:
            self.guess = used if self.left else 2 * self.lent
        lent, told, self.used = self.lent, self.used, {}
        self.lent = self.left = 0
        self.asked_at = now
        rule = self.rule
        wanted = needed + self.guess
        return LeaseRequest(self.key, rule.at_most, rule.over, rule.hold, needed, wanted, lent, self.until, told)

    def receive(self, grant: Lease, now: float) -> None:
        self.lent = self.left = grant.granted
        self.at, self.until = grant.at, int(grant.at) + self.rule.hold
        self.free = grant.free
        self.back_at = now + grant.back_in
        if not grant.granted:
            self.refused_until = self.back_at


class Buckets:
    def __init__(self, lease_client: LeaseClient, clock: Clock = time.monotonic, at_most: int = MOST_KEPT) -> None:
        self._lease_client = lease_client
        self.clock = clock
        self._at_most = at_most
        self._kept: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: str, rule: Rule, key: Callable[[str], bytes]) -> Bucket:
        """Those used longest ago make room for others; what they had borrowed comes back by itself."""
        bucket = self._kept.get(name)
        if bucket is not None:
            self._kept.move_to_end(name)
            return bucket
        bucket = self._kept[name] = Bucket(rule, key(name))
        if len(self._kept) > self._at_most:
            self._kept.popitem(last=False)
        BUCKETS.set(len(self._kept))
        return bucket

    async def take(self, bucket: Bucket) -> Outcome:
        now = self.clock()
        if bucket.take(now):
            return Outcome.ALLOWED
        if now < bucket.refused_until:
            return Outcome.REFUSED
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        bucket.waiting.append(answer)
        if len(bucket.waiting) == 1:
            self._lease_client.start(self._fill(bucket))
        return await answer

    async def _fill(self, bucket: Bucket) -> None:
        """Until nobody waits: whom a share does not reach waits for the next, and hears when there is none."""
        try:
            while bucket.waiting:
                try:
                    grant = await self._lease_client.lease(bucket.ask(self.clock()))
                except AwayError:
                    _tell(bucket, Outcome.AWAY)
                    return
                bucket.receive(grant, self.clock())
                self._share(bucket)
        finally:
            _tell(bucket, Outcome.AWAY)  # when this gateway ends meanwhile

    def _share(self, bucket: Bucket) -> None:
        now = self.clock()
        waiting, bucket.waiting = bucket.waiting, []
        while waiting and bucket.take(now):
            answer = waiting.pop(0)
            if not answer.done():
                answer.set_result(Outcome.ALLOWED)
        bucket.waiting = waiting
        if now < bucket.refused_until:
            _tell(bucket, Outcome.REFUSED)


def _tell(bucket: Bucket, outcome: Outcome) -> None:
    waiting, bucket.waiting = bucket.waiting, []
    for answer in waiting:
        if not answer.done():
            answer.set_result(outcome)
