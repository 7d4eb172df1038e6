"""Leases of buckets: several gateways on one real database, with a clock that the test moves."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import text

from gateway.jobs import JOBS
from gateway.limits.buckets import Buckets, Outcome
from gateway.limits.lease_client import LeaseClient
from gateway.limits.rules import Rule
from gateway.tests.conftest import Upstreams, settings_for
from shared.database.session import Database
from shared.jobs import run_once
from shared.messaging.events import new_id
from shared.testing.proxy import proxied
from shared.testing.servers import DatabaseUrl

MINUTE = 60.0
START = 1_800_000_000.0
NAMES = count()
# Just before and after a share ends, and its minute.
PAUSES = st.sampled_from([0, 0.4, 0.99, 3, 9.3, 9.99, 10, 30, 49, 50.5, 58, 59, 59.5, 60, 60.4]) | st.floats(0, 25)


class Clock:
    """The database's and every gateway's; each gateway's own counts from elsewhere. A trip may take its time."""

    def __init__(self) -> None:
        self.now = START
        self.trip = 0.0

    def of_database(self) -> datetime:
        self.now += self.trip
        return datetime.fromtimestamp(self.now, UTC)


class Replica:
    def __init__(self, database: Database, clock: Clock, place: int = 0, at_most: int = 20_000) -> None:
        self.clock = clock
        self.lease_client = LeaseClient(database, clock.of_database)
        self.passed: list[float] = []
        self.buckets = Buckets(self.lease_client, lambda: clock.now - START + 1_000 * place, at_most)

    async def take(self, rule: Rule, name: str) -> bool:
        bucket = self.buckets.get(name, rule, lambda name: name.encode().rjust(16)[:16])
        outcome = await self.buckets.take(bucket)
        assert outcome is not Outcome.AWAY
        if outcome is Outcome.ALLOWED:
            self.passed.append(self.clock.now)
        return outcome is Outcome.ALLOWED

    async def burst(self, rule: Rule, name: str, calls: int) -> int:
        return sum(await asyncio.gather(*(self.take(rule, name) for _ in range(calls))))

    def wait(self, name: str) -> float:
        return self.buckets._buckets[name].more_at - self.buckets.clock()


@pytest.fixture(scope="module")
async def address(database_url: DatabaseUrl) -> str:
    return await database_url("gateway")


@pytest.fixture(scope="module")
async def database(upstreams: Upstreams, address: str) -> AsyncIterator[Database]:
    database = Database.from_settings(settings_for(upstreams, database_url=address), "gateway")
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def replicas(database: Database, clock: Clock, number: int) -> AsyncIterator[list[Replica]]:
    group = [Replica(database, clock, place) for place in range(number)]
    try:
        yield group
    finally:
        for replica in group:
            await replica.lease_client.close()


@pytest.fixture
async def three(database: Database, clock: Clock) -> AsyncIterator[list[Replica]]:
    async with replicas(database, clock, 3) as group:
        yield group


@pytest.fixture
def name() -> str:
    return f"bucket {next(NAMES)}"


def rule(at_most: int, ahead: int = 8, hold: int = 10) -> Rule:
    return Rule("user", at_most, ahead=ahead, hold=hold)


def trips() -> float:
    return REGISTRY.get_sample_value("gateway_rate_limit_trip_seconds_count") or 0.0


def most_in_a_minute(passed: Sequence[float]) -> int:
    return max((sum(1 for call in passed if begin <= call < begin + MINUTE) for begin in passed), default=0)


class TestExactness:
    async def test_hundreds_of_simultaneous_calls_at_three_replicas_get_exactly_the_limit(
        self, three: list[Replica], name: str
    ) -> None:
        passed = await asyncio.gather(*(replica.burst(rule(60), name, 100) for replica in three))
        assert sum(passed) == 60

    async def test_all_calls_of_a_minute_may_come_at_once_and_are_allowed_again_a_minute_later(
        self, three: list[Replica], name: str, clock: Clock
    ) -> None:
        assert await three[0].burst(rule(60), name, 60) == 60
        assert not await three[0].take(rule(60), name)
        assert MINUTE <= three[0].wait(name) <= MINUTE + 1
        clock.now += three[0].wait(name) - 0.001
        assert not await three[0].take(rule(60), name)
        clock.now += 0.001
        assert await three[0].burst(rule(60), name, 61) == 60

    async def test_calls_are_allowed_again_in_the_order_in_which_they_were_counted(
        self, three: list[Replica], name: str, clock: Clock
    ) -> None:
        for _ in range(2):
            assert await three[0].burst(rule(20), name, 10) == 10
            clock.now += 30
        # A minute after the first ten; none of the later ones may follow before their time.
        clock.now += 1
        assert await three[0].burst(rule(20), name, 20) == 10
        clock.now += 30
        assert await three[0].burst(rule(20), name, 20) == 10

    async def test_a_lease_used_late_counts_from_its_use(self, three: list[Replica], name: str, clock: Clock) -> None:
        clock.now += 0.999
        assert await three[0].take(rule(60), name)
        assert await three[1].burst(rule(60), name, 60) == 51
        late = trips()
        clock.now += 9
        assert await three[0].burst(rule(60), name, 8) == 8
        assert trips() == late
        clock.now += MINUTE - 9.5
        assert await three[2].burst(rule(60), name, 60) == 0
        clock.now += 2
        assert await three[2].burst(rule(60), name, 60) == 51
        passed = [call for replica in three for call in replica.passed]
        assert most_in_a_minute(passed) <= 60

    @given(
        limit=st.integers(1, 40),
        ahead=st.sampled_from([0, 3, 8]),
        trip=st.floats(0, 0.9),
        steps=st.lists(st.tuples(PAUSES, st.integers(0, 2), st.sampled_from([1, 2, 7, 60])), min_size=3, max_size=14),
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    async def test_no_minute_whenever_it_begins_has_more_calls_than_the_limit(
        self, database: Database, limit: int, ahead: int, trip: float, steps: list[tuple[float, int, int]]
    ) -> None:
        clock, name = Clock(), f"any {next(NAMES)}"
        clock.trip = trip
        async with replicas(database, clock, 3) as all_three:
            for pause, place, calls in steps:
                clock.now += pause
                await all_three[place].burst(rule(limit, ahead), name, calls)
            assert most_in_a_minute([call for replica in all_three for call in replica.passed]) <= limit
            # And none is lost for ever: all that was lent comes back, used or not.
            clock.now += 2 * MINUTE
            assert await all_three[0].burst(rule(limit, ahead), name, limit + 1) == limit

    async def test_a_single_client_gets_the_whole_limit_from_one_replica(
        self, three: list[Replica], name: str, clock: Clock
    ) -> None:
        """What was borrowed ahead and not used is given back with the next trip."""
        passed = 0
        for pause in (0, 15, 0.5, 12, 3, 11, 4, 14):
            clock.now += pause
            passed += await three[0].burst(rule(60), name, 3)
        assert passed == 24
        assert await three[0].burst(rule(60), name, 60) == 36

    async def test_a_busy_replica_leaves_calls_for_the_others(self, three: list[Replica], name: str) -> None:
        assert await three[0].burst(rule(60), name, 20) == 20
        assert await three[1].burst(rule(60), name, 10) == 10
        assert await three[2].burst(rule(60), name, 10) == 10

    async def test_a_lease_cannot_be_used_after_its_end(self, three: list[Replica], name: str, clock: Clock) -> None:
        assert await three[0].take(rule(60), name)
        unused = three[0].buckets._buckets[name].left
        assert unused > 0
        clock.now += 11
        before = trips()
        assert await three[1].burst(rule(60), name, 100) == 60 - unused - 1
        assert await three[0].burst(rule(60), name, 100) == unused
        assert trips() > before

    async def test_a_bucket_dropped_by_one_replica_still_counts(
        self, database: Database, name: str, clock: Clock
    ) -> None:
        small = Replica(database, clock, at_most=1)
        assert await small.burst(rule(10), name, 10) == 10
        assert await small.take(rule(10), "another")
        assert len(small.buckets) == 1
        assert not await small.take(rule(10), name)
        await small.lease_client.close()

    async def test_a_clock_set_back_locks_nobody_out_for_longer_than_a_minute(
        self, three: list[Replica], name: str, clock: Clock, database: Database
    ) -> None:
        assert await three[0].burst(rule(10), name, 10) == 10
        clock.now -= 3_600
        assert await Replica(database, clock).burst(rule(10), name, 10) == 10


class TestDatabaseRequests:
    async def test_a_client_that_calls_once_a_second_needs_few_requests_to_the_database(
        self, three: list[Replica], name: str, clock: Clock
    ) -> None:
        before = trips()
        for _ in range(50):
            assert await three[0].take(rule(60), name)
            clock.now += 1
        assert trips() - before <= 13

    async def test_a_busy_client_needs_few_requests_to_the_database(
        self, three: list[Replica], name: str, clock: Clock
    ) -> None:
        before = trips()
        for _ in range(2_000):
            assert await three[0].take(rule(100_000), name)
            clock.now += 0.01
        assert trips() - before <= 10

    async def test_simultaneous_calls_of_a_client_share_a_lease(self, three: list[Replica], name: str) -> None:
        before = trips()
        assert await three[0].burst(rule(600), name, 100) == 100
        assert trips() - before == 1

    async def test_simultaneous_clients_share_a_request_to_the_database(self, three: list[Replica], name: str) -> None:
        before = trips()
        people = [three[0].take(rule(60), f"{name} {number}") for number in range(150)]
        assert all(await asyncio.gather(*people))
        assert trips() - before <= 4

    async def test_a_refused_client_causes_no_request_until_more_calls_are_allowed(
        self, three: list[Replica], name: str, clock: Clock
    ) -> None:
        await three[0].burst(rule(10), name, 20)
        before = trips()
        for _ in range(50):
            assert not await three[0].take(rule(10), name)
            clock.now += 1
        assert trips() == before
        clock.now += 11
        assert await three[0].take(rule(10), name)

    async def test_two_replicas_that_request_the_same_buckets_do_not_deadlock(
        self, three: list[Replica], name: str
    ) -> None:
        order = [f"{name} {number}" for number in range(40)]
        for _ in range(3):
            takes = [[replica.take(rule(1_000, 0), name) for name in _shuffled(order)] for replica in three]
            assert all(await asyncio.gather(*(call for of_replica in takes for call in of_replica)))


def _shuffled(names: list[str]) -> list[str]:
    return random.sample(names, len(names))


class TestAway:
    async def test_no_call_waits_while_the_database_is_away_and_its_return_is_noticed(
        self, address: str, upstreams: Upstreams
    ) -> None:
        async with proxied(address) as link:
            database = Database.from_settings(settings_for(upstreams, database_url=link.url), "gateway")
            replica = Replica(database, Clock())
            bucket = replica.buckets.get(f"x {new_id()}", rule(60), lambda name: name.encode()[:16])
            assert await replica.buckets.take(bucket) is Outcome.ALLOWED
            await link.cut()
            bucket.left = 0
            assert await replica.buckets.take(bucket) is Outcome.AWAY
            assert REGISTRY.get_sample_value("gateway_rate_limit_away") == 1
            before = trips()
            assert {await replica.buckets.take(bucket) for _ in range(100)} == {Outcome.AWAY}
            assert trips() <= before + 1
            await link.restore()
            async with asyncio.timeout(10):
                while await replica.buckets.take(bucket) is Outcome.AWAY:
                    await asyncio.sleep(0.02)
            assert REGISTRY.get_sample_value("gateway_rate_limit_away") == 0
            await replica.lease_client.close()
            await database.close()

    async def test_closed_pooled_connections_do_not_count_as_the_database_being_away(
        self, address: str, upstreams: Upstreams
    ) -> None:
        async with proxied(address) as link:
            database = Database.from_settings(settings_for(upstreams, database_url=link.url), "gateway")
            replica = Replica(database, Clock())
            assert await replica.burst(rule(10, ahead=0), "kept", 2) == 2
            await link.cut()
            await link.restore()
            assert await replica.burst(rule(10, ahead=0), "kept", 20) == 8
            await replica.lease_client.close()
            await database.close()


class TestJob:
    async def test_idle_buckets_are_deleted_and_others_stay(
        self, database: Database, three: list[Replica], name: str
    ) -> None:
        real = LeaseClient(database)
        buckets = Buckets(real)
        bucket = buckets.get(name, rule(10), lambda _: b"a" * 16)
        assert await buckets.take(bucket) is Outcome.ALLOWED
        fill = """INSERT INTO rate_limits
                  SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), '{}', '{}', now() - interval '1 s'
                  FROM generate_series(1, 12000) n RETURNING 1"""
        await database.call(text(fill))
        assert await run_once(database, JOBS[1]) == "done"
        left = await database.call(text("SELECT key FROM rate_limits WHERE idle_at < clock_timestamp()"))
        kept = await database.call(
            text("SELECT 1 FROM rate_limits WHERE key = CAST(:key AS bytea)"), {"key": b"a" * 16}
        )
        assert (len(left), len(kept)) == (0, 1)
        await real.close()
