"""Several replicas of a service: which get calls, which get none, and what is repeated."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import service_urls
from gateway.tests.conftest import Upstreams, running
from gateway.upstream import circuit_breaker, load_balancing
from gateway.upstream.circuit_breaker import CircuitBreaker
from gateway.upstream.client import Upstream
from gateway.upstream.dns import resolve_by_system
from gateway.upstream.errors import BrokenError, SlowError, UnreachableError
from gateway.upstream.replica import ReplicaHealth
from gateway.upstream.requests import Request, read_body
from shared.backoff import Backoff
from shared.testing.waiting import until

READY = (200, b'{"status": "ready"}')
DRAINING = (503, b'{"status": "draining"}')
WAITING = (503, b'{"status": "waiting"}')


@dataclass
class Server:
    """One replica: answers with its address, and misbehaves as its attributes say."""

    host: str
    port: int = 0
    report: tuple[int, bytes] = READY
    breaks: bool = False
    silent: bool = False
    held: asyncio.Event | None = None
    calls: list[str] = field(default_factory=list)
    probes: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line = head.split(b"\r\n")[0].decode()
                if line.startswith("GET /health/ready"):
                    self.probes += 1
                    status, body = self.report
                else:
                    self.calls.append(line)
                    status, body = 200, self.host.encode()
                    if self.held is not None:
                        await self.held.wait()
                if self.breaks:
                    break
                if not self.silent:
                    writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        self._open.discard(writer)
        writer.close()


@asynccontextmanager
async def servers(count: int) -> AsyncIterator[list[Server]]:
    """Servers with the same port on several loopback addresses, like pods with one name."""
    async with AsyncExitStack() as stack:
        started: list[Server] = []
        for number in range(count):
            started.append(Server(f"127.0.0.{number + 1}", started[0].port if started else 0))
            await started[-1].start()
            stack.push_async_callback(started[-1].stop)
        yield started


@dataclass
class Names:
    """A resolver whose answers change, or fail."""

    hosts: Sequence[str]
    lookups: int = 0
    away: bool = False

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        assert name == "booking"
        self.lookups += 1
        if self.away:
            raise OSError("no answer")
        return self.hosts


Make = Callable[..., Upstream]


@pytest.fixture
async def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_balancing, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(load_balancing, "PROBE_SOON_SECONDS", 0.05)
    monkeypatch.setattr(load_balancing, "LOOK_UP_SECONDS", 0.1)
    monkeypatch.setattr(load_balancing, "LOOK_UP_SOON_SECONDS", 0.05)
    monkeypatch.setattr(circuit_breaker, "BACKOFF", Backoff(0.1, 5.0))


@pytest.fixture
async def behind() -> AsyncIterator[Make]:
    """Makes a client for servers with one name; `watched`: with probes."""
    started: list[Upstream] = []
    watching: list[asyncio.Task[None]] = []

    def make(them: Sequence[Server], names: Names | None = None, *, watched: bool = False) -> Upstream:
        names = names or Names([server.host for server in them])
        urls = service_urls(f"http://booking:{them[0].port}")
        started.append(Upstream(urls, name="booking", connect_seconds=1.0, resolve=names))
        if watched:
            watching.append(asyncio.create_task(started[-1].replicas.watch()))
        return started[-1]

    yield make
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    for upstream in started:
        upstream.close()
    await asyncio.sleep(0)


async def call(upstream: Upstream, method: str = "GET", seconds: float = 2.0) -> str:
    """The address of the replica that answered."""
    connection = await upstream.request(Request(method, b"/x", [(b"host", b"x")], seconds, connect_seconds=1.0))
    try:
        return (await read_body(connection, 2.0, 1_000)).decode()
    finally:
        upstream.release(connection)


def health(upstream: Upstream) -> list[ReplicaHealth]:
    return [replica.health for replica in upstream.replicas.all]


class TestBalance:
    async def test_calls_are_spread_over_all_replicas(self, behind: Make) -> None:
        async with servers(3) as three:
            upstream = behind(three)
            assert {await call(upstream) for _ in range(60)} == {server.host for server in three}

    async def test_a_busy_replica_gets_fewer_calls(self, behind: Make) -> None:
        async with servers(2) as (busy, free):
            busy.held = asyncio.Event()
            upstream = behind([busy, free])
            calls = [asyncio.create_task(call(upstream)) for _ in range(1)]
            while not busy.calls:
                calls.append(asyncio.create_task(call(upstream)))
                await asyncio.sleep(0.005)
            await until(lambda: sum(not task.done() for task in calls) == len(busy.calls))
            taken = len(busy.calls)
            for _ in range(20):
                assert await call(upstream) == free.host
            assert len(busy.calls) == taken
            busy.held.set()
            await asyncio.gather(*calls)

    async def test_several_addresses_may_be_named(self, behind: Make) -> None:
        async with servers(2) as two:
            upstream = Upstream(service_urls(",".join(f"http://{server.host}:{server.port}" for server in two)))
            assert {await call(upstream) for _ in range(40)} == {server.host for server in two}
            upstream.close()
            await asyncio.sleep(0)

    async def test_the_gateway_calls_all_replicas_and_reports_their_health(self, upstreams: Upstreams) -> None:
        both = f"{upstreams.urls['booking']}, {upstreams.urls['calendar']}"
        async with running(upstreams, booking_url=both) as (_, url), httpx.AsyncClient(base_url=url) as client:
            answers = [await client.get("/api/v1/slots") for _ in range(40)]
            assert {answer.json()["service"] for answer in answers} == {"booking", "calendar"}
            services = (await client.get("/health")).json()["services"]
            assert services["booking"]["replicas"] == {"ready": 2}
            assert "replicas" not in services["auth"]

    async def test_localhost_is_looked_up_by_the_system(self) -> None:
        assert "127.0.0.1" in await resolve_by_system("localhost", 80)

    @pytest.mark.parametrize(
        "setting", ["", "booking:8001", "ftp://x", "http://", "http://a:1,,nonsense", "http://a/p"]
    )
    def test_an_invalid_setting_is_refused(self, setting: str) -> None:
        with pytest.raises(ValueError, match=r"form|address"):
            service_urls(setting)


@pytest.mark.usefixtures("quick")
class TestNames:
    async def test_a_name_is_looked_up_again(self, behind: Make) -> None:
        async with servers(2) as (old, new):
            names = Names([old.host])
            upstream = behind([old], names, watched=True)
            assert await call(upstream) == old.host
            names.hosts = [new.host]
            await until(lambda: [replica.address.host for replica in upstream.replicas.all] == [new.host])
            assert {await call(upstream) for _ in range(10)} == {new.host}

    async def test_the_last_addresses_stay_in_use_while_dns_fails(self, behind: Make) -> None:
        async with servers(1) as servers_:
            names = Names([servers_[0].host])
            upstream = behind(servers_, names, watched=True)
            assert await call(upstream) == servers_[0].host
            names.away = True
            lookups = names.lookups
            await until(lambda: names.lookups > lookups + 2)
            assert await call(upstream) == servers_[0].host

    async def test_a_call_in_progress_completes_at_a_removed_replica(self, behind: Make) -> None:
        async with servers(2) as (old, new):
            old.held = asyncio.Event()
            names = Names([old.host])
            upstream = behind([old], names, watched=True)
            under_way = asyncio.create_task(call(upstream))
            await until(lambda: len(old.calls) == 1)
            names.hosts = [new.host]
            await until(lambda: [replica.address.host for replica in upstream.replicas.all] == [new.host])
            old.held.set()
            assert await under_way == old.host

    async def test_a_name_that_is_unknown_is_unreachable_until_it_is_known(self, behind: Make) -> None:
        async with servers(1) as servers_:
            names = Names([servers_[0].host], away=True)
            upstream = behind(servers_, names, watched=True)
            with pytest.raises(UnreachableError):
                await call(upstream)
            names.away = False
            await until(lambda: len(upstream.replicas.all) == 1)
            assert await call(upstream) == servers_[0].host


@pytest.mark.usefixtures("quick")
class TestHealth:
    @pytest.mark.parametrize(("report", "bad"), [(DRAINING, ReplicaHealth.DRAINING), (WAITING, ReplicaHealth.WAITING)])
    async def test_a_replica_that_is_not_ready_gets_no_new_calls(
        self, behind: Make, report: tuple[int, bytes], bad: ReplicaHealth
    ) -> None:
        async with servers(2) as (leaving, staying):
            upstream = behind([leaving, staying], watched=True)
            leaving.report = report
            await until(lambda: sorted(health(upstream)) == [bad, ReplicaHealth.READY])
            assert {await call(upstream) for _ in range(20)} == {staying.host}
            leaving.report = READY
            await until(lambda: health(upstream) == [ReplicaHealth.READY] * 2)
            assert {await call(upstream) for _ in range(40)} == {leaving.host, staying.host}

    async def test_if_no_replica_is_ready_all_are_used(self, behind: Make) -> None:
        """Bookings are taken while the broker is away, although no replica is ready then."""
        async with servers(3) as three:
            for server in three:
                server.report = WAITING
            three[2].report = DRAINING
            upstream = behind(three, watched=True)
            await until(lambda: sorted(health(upstream)) == [0, 1, 1])
            assert {await call(upstream) for _ in range(40)} == {three[0].host, three[1].host}

    async def test_a_replica_that_hangs_is_left_out(self, behind: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(load_balancing, "PROBE_ANSWER_SECONDS", 0.1)
        async with servers(2) as (hanging, well):
            hanging.silent = True
            upstream = behind([hanging, well], watched=True)
            await until(lambda: sorted(health(upstream)) == [1, 2])
            assert {await call(upstream) for _ in range(20)} == {well.host}


class TestRetries:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_a_call_that_could_not_be_sent_goes_to_another_replica(self, behind: Make, method: str) -> None:
        async with servers(2) as (dead, well):
            await dead.stop()
            upstream = behind([dead, well])
            assert {await call(upstream, method) for _ in range(20)} == {well.host}
            await dead.start()

    async def test_a_get_that_breaks_before_its_answer_goes_to_another_replica(self, behind: Make) -> None:
        async with servers(2) as (broken, well):
            broken.breaks = True
            upstream = behind([broken, well])
            assert {await call(upstream) for _ in range(20)} == {well.host}
            assert broken.calls

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    async def test_a_change_that_was_sent_is_never_sent_again(self, behind: Make, method: str) -> None:
        async with servers(2) as (first, second):
            first.breaks = second.breaks = True
            with pytest.raises(BrokenError):
                await call(behind([first, second]), method)
            assert len(first.calls) + len(second.calls) == 1

    async def test_a_slow_call_is_not_repeated(self, behind: Make) -> None:
        async with servers(2) as (first, second):
            first.silent = second.silent = True
            with pytest.raises(SlowError):
                await call(behind([first, second]), seconds=0.1)
            assert len(first.calls) + len(second.calls) == 1

    async def test_retries_are_limited_when_all_replicas_fail(self, behind: Make) -> None:
        async with servers(3) as three:
            for server in three:
                server.breaks = True
            upstream = behind(three)
            for _ in range(100):
                with pytest.raises((BrokenError, UnreachableError)):
                    await call(upstream)
            assert sum(len(server.calls) for server in three) < 60


@pytest.mark.usefixtures("quick")
class TestBreaker:
    async def test_a_stopped_service_is_not_called_each_time_and_is_noticed_when_it_is_back(self, behind: Make) -> None:
        async with servers(1) as servers_:
            servers_[0].breaks = True
            upstream = behind(servers_)
            for _ in range(circuit_breaker.FAILURES):
                with pytest.raises(BrokenError):
                    await call(upstream)
            with pytest.raises(UnreachableError) as refused:
                await call(upstream)
            assert refused.value.retry_after > 0
            assert len(servers_[0].calls) == circuit_breaker.FAILURES
            servers_[0].breaks = False

            async def answered() -> bool:
                with suppress(UnreachableError):
                    return await call(upstream) == servers_[0].host
                return False

            await until(answered)

    async def test_an_answered_probe_closes_the_breaker(self, behind: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(circuit_breaker, "BACKOFF", Backoff(60.0, 60.0))
        async with servers(1) as servers_:
            servers_[0].breaks = True
            upstream = behind(servers_, watched=True)
            for _ in range(circuit_breaker.FAILURES):
                with pytest.raises(BrokenError):
                    await call(upstream)
            assert [replica.breaker.closed for replica in upstream.replicas.all] == [False]
            servers_[0].breaks = False
            await until(lambda: all(replica.breaker.closed for replica in upstream.replicas.all))
            assert await call(upstream) == servers_[0].host

    async def test_failed_probes_of_a_starting_service_do_not_open_the_breaker(self, behind: Make) -> None:
        async with servers(1) as servers_:
            servers_[0].breaks = True
            upstream = behind(servers_, watched=True)
            await until(lambda: servers_[0].probes > 2 * circuit_breaker.FAILURES)
            assert upstream.replicas.all[0].health is ReplicaHealth.WAITING
            servers_[0].breaks = False
            assert await call(upstream) == servers_[0].host

    async def test_retry_after_says_when_the_breaker_allows_a_call(self, upstreams: Upstreams) -> None:
        async with (
            running(upstreams, booking_url="http://127.0.0.1:1") as (_, url),
            httpx.AsyncClient(base_url=url) as client,
        ):
            for _ in range(circuit_breaker.FAILURES + 1):
                answer = await client.get("/api/v1/slots", headers={"Accept-Language": "en"})
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
            assert 1 <= int(answer.headers["retry-after"]) <= circuit_breaker.BACKOFF.longest * 1.2
            assert answer.json()["title"] == "Not available"

    @given(st.lists(st.sampled_from(["good", "bad", "left", "wait"]), max_size=60))
    def test_an_open_breaker_allows_one_trial_call_at_a_time(self, events: list[str]) -> None:
        now = 0.0
        tested = CircuitBreaker(lambda: now)
        bad_in_a_row = 0
        for event in events:
            if event == "wait":
                now += 1.0
                continue
            if not tested.allows():
                assert bad_in_a_row >= circuit_breaker.FAILURES
                continue
            half_open = not tested.closed
            tested.begin()
            assert not (half_open and tested.allows())
            if event == "good":
                tested.record_success()
                bad_in_a_row = 0
            elif event == "bad":
                tested.record_failure()
                bad_in_a_row += 1
            else:
                tested.record_no_outcome()
            assert tested.closed == (bad_in_a_row < circuit_breaker.FAILURES)
            assert tested.seconds_left <= circuit_breaker.BACKOFF.longest * 1.2
