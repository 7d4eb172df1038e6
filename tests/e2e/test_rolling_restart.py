"""Every service is replaced, one after the other, as a cluster does it: first a new replica, then the old one ends."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from provisioning.processes import free_port
from shared.testing.proxy import Proxy, ended, proxied
from shared.testing.servers import Servers
from tests.chaos.customers import Ledger
from tests.chaos.verdict import judge, waiting
from tests.e2e.conftest import own_servers, started
from tests.e2e.salon import bearer, register, sign_in
from tests.e2e.stack import READY_SECONDS, SERVICES, Stack, eventually

CUSTOMERS = 8
MOST_OPEN = 100  # as many as a salon can allow, so that nobody has to give a time back
THOUGHT_SECONDS = 0.8
PAUSE_SECONDS = 0.5  # an old replica serves on for as long, since not everybody knows of the new one at once
END_SECONDS = 40.0
SETTLE_SECONDS = 240.0  # a mail that was being sent when its sender ended is free again after two minutes
Json = dict[str, Any]


class Fleet:
    """The platform behind addresses that lead to whichever replica is current."""

    def __init__(self, stack: Stack, proxies: dict[str, Proxy]) -> None:
        self.stack = stack
        self._proxies = proxies

    @property
    def url(self) -> str:
        return _address(self._proxies["gateway"])

    async def replace(self, name: str) -> int:
        """Its exit code."""
        old = self.stack.processes.pop(name)
        try:
            port = free_port()
            self.stack.start(name, port)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
                await _until_ready(http, name)
            self._proxies[name].lead_to(f"http://127.0.0.1:{port}")
            await asyncio.sleep(PAUSE_SECONDS)
            old.send_signal(signal.SIGTERM)
            return await asyncio.to_thread(old.wait, END_SECONDS)
        finally:
            old.kill()


async def _until_ready(http: httpx.AsyncClient, name: str) -> None:
    last_answer = "nothing"

    async def ready() -> bool:
        nonlocal last_answer
        try:
            answer = await http.get("/health/ready")
        except httpx.TransportError as error:
            last_answer = repr(error)
            return False
        last_answer = answer.text
        return answer.status_code == 200

    try:
        await eventually(ready, bool, f"a new {name} to be ready", READY_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{error}; it said {last_answer}") from error


def _address(proxy: Proxy) -> str:
    return f"http://127.0.0.1:{proxy.url.rpartition(':')[2]}"


@asynccontextmanager
async def fleet(stack: Stack) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as running:
        addresses = {name: stack.environment[f"{name.upper()}_URL"] for name in SERVICES} | {"gateway": stack.url}
        proxies = {name: await running.enter_async_context(proxied(address)) for name, address in addresses.items()}
        stack.environment |= {f"{name.upper()}_URL": _address(proxies[name]) for name in SERVICES}
        platform = Fleet(stack, proxies)
        await platform.replace("gateway")  # the first that knows the addresses of the proxies
        yield platform


class Customer:
    """Looks for a time and books it; tries a call once more when it is answered 503, and never a third time."""

    def __init__(self, url: str, treatments: list[str], randomness: random.Random) -> None:
        # a connection a call: who keeps one open must be ready to find it closed, restart or not
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(base_url=url, timeout=15, limits=limits)
        self._treatments = treatments
        self._random = randomness
        self.token = ""
        self.ledger = Ledger()
        self.failures: list[str] = []
        self.calls = 0
        self.answers: Counter[int] = Counter()
        self.retried: Counter[str] = Counter()

    async def arrive(self) -> None:
        _, self.token = await register(self._http, "rolling")

    async def leave(self) -> None:
        await self._http.aclose()

    async def act(self) -> None:
        while True:
            slot = await self._slot()
            if slot is not None:
                await self._book(slot)
            await asyncio.sleep(THOUGHT_SECONDS)

    async def _slot(self) -> Json | None:
        begin = datetime.now(UTC) + timedelta(days=self._random.uniform(2, 150))
        query = {"service_id": self._random.choice(self._treatments), "from": begin.isoformat()}
        query["to"] = (begin + timedelta(days=5)).isoformat()
        answer = await self._call("GET", "/api/v1/slots", params=query)
        items: list[Json] = answer.json()["items"] if answer is not None and answer.status_code == 200 else []
        return self._random.choice(items) if items else None

    async def _book(self, slot: Json) -> None:
        order = {name: slot[name] for name in ("service_ids", "loctician_id", "start")}
        headers = bearer(self.token) | {"Idempotency-Key": uuid4().hex}
        answer = await self._call("POST", "/api/v1/bookings", json=order, headers=headers)
        if answer is not None and answer.status_code == 201:
            self.ledger.accepted[answer.json()["id"]] = self.token

    async def _call(self, method: str, path: str, **call: Any) -> httpx.Response | None:
        for last in (False, True):
            self.calls += 1
            try:
                answer = await self._http.request(method, path, **call)
            except httpx.TransportError as error:
                self.failures.append(f"{method} {path}: {error!r}")
                return None
            self.answers[answer.status_code] += 1
            if answer.status_code < 500:
                return answer
            if last or answer.status_code != 503:
                self.failures.append(f"{method} {path}: {answer.status_code} {answer.text}")
                return None
            self.retried[path] += 1
            await asyncio.sleep(float(answer.headers["Retry-After"]))
        return None


async def let_them_book(http: httpx.AsyncClient) -> None:
    staff = bearer(await sign_in(http, "staff@loctician.example"))
    answer = await http.get("/api/v1/bookings/rules", headers=staff)
    rules = {name: value for name, value in answer.json().items() if name != "version"}
    chosen = rules | {"open_bookings_per_customer": MOST_OPEN}
    done = await http.put("/api/v1/bookings/rules", json=chosen, headers=staff | {"If-Match": answer.headers["etag"]})
    assert done.status_code == 200, done.text


async def served(fleet: Fleet, customers: list[Customer]) -> None:
    """Each is served once more: nothing is left in the middle of being changed over."""
    counts = [len(customer.ledger.accepted) for customer in customers]

    async def booked() -> bool:
        return all(len(customer.ledger.accepted) > count for customer, count in zip(customers, counts, strict=True))

    try:
        await eventually(booked, bool, "every customer to book again", READY_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{error}: {[(customer.answers, customer.failures) for customer in customers]}") from error


@pytest.mark.slow
@pytest.mark.skipif("ROLLING_RESTART" not in os.environ, reason="takes minutes: ROLLING_RESTART=1 runs it")
async def test_a_rolling_restart_needs_at_most_one_retry_a_call_and_loses_no_message(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("rolling")
    async with (
        own_servers(servers) as (database_url, amqp_url),
        started(folder, database_url, amqp_url, WEBSOCKET_DRAIN_SECONDS="0") as stack,
    ):
        await stack.ready()
        async with fleet(stack) as platform, httpx.AsyncClient(base_url=platform.url, timeout=15) as http:
            treatments = [treatment["id"] for treatment in (await http.get("/api/v1/services")).json()["items"]]
            await let_them_book(http)
            customers = [Customer(platform.url, treatments, random.Random(n)) for n in range(CUSTOMERS)]
            for customer in customers:
                await customer.arrive()
            acting = [asyncio.create_task(customer.act()) for customer in customers]
            try:
                for name in (*SERVICES, "gateway"):
                    assert await platform.replace(name) in {0, -signal.SIGTERM}, f"{name} ended by force"
                    await served(platform, customers)
            finally:
                await ended(*acting)
                for customer in customers:
                    await customer.leave()
            assert [failure for customer in customers for failure in customer.failures] == []
            ledger = Ledger()
            for customer in customers:
                ledger.accepted |= customer.ledger.accepted
            try:
                await eventually(
                    lambda: waiting(database_url, amqp_url), lambda left: not any(left.values()), "all", SETTLE_SECONDS
                )
            except AssertionError as error:
                raise AssertionError(f"{error}: {await waiting(database_url, amqp_url)}") from error
            verdict = await judge(database_url, amqp_url, stack.mail, ledger)
            assert verdict.clean, verdict
            assert verdict.bookings_accepted >= 6 * CUSTOMERS
            retried = sum((customer.retried for customer in customers), Counter[str]())
            print(f"{sum(customer.calls for customer in customers)} calls, {retried.total()} tried again")  # noqa: T201
