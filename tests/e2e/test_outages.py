"""The platform during outages of its servers: it waits, reports it, and recovers by itself."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.testing.proxy import Proxy
from shared.testing.servers import Servers
from tests.e2e.conftest import own_logins, own_servers, started
from tests.e2e.salon import bearer, free_slots, mails_to, register
from tests.e2e.stack import SERVICES, Stack, eventually

Json = dict[str, Any]
RECOVERY_SECONDS = 30.0


class Fragile:
    """The platform, reaching database and broker through proxies that start cut."""

    def __init__(self, stack: Stack, database: Proxy, broker: Proxy) -> None:
        self.stack = stack
        self.database = database
        self.broker = broker


@pytest.fixture(scope="module")
async def fragile(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fragile]:
    async with own_servers(servers) as (database_url, amqp_url):
        database, broker = Proxy(database_url), Proxy(amqp_url)
        for proxy in (database, broker):  # gives each its port
            await proxy.restore()
            await proxy.cut()
        through = {"DATABASE_URL": database.url, "AMQP_URL": broker.url, **own_logins(servers)}
        folder: Path = tmp_path_factory.mktemp("fragile")
        try:
            async with started(folder, database_url, amqp_url, **through) as stack:
                yield Fragile(stack, database, broker)
        finally:
            for proxy in (database, broker):
                await proxy.cut()


async def report(http: httpx.AsyncClient, url: str) -> tuple[int, Json]:
    try:
        answer = await http.get(url)
    except httpx.TransportError:
        return 0, {}
    return answer.status_code, answer.json()


@pytest.mark.slow
class TestOutages:
    """One story, told in the order of the tests: the platform comes up once."""

    async def test_each_service_starts_without_its_servers_and_reports_what_it_waits_for(
        self, fragile: Fragile
    ) -> None:
        async with httpx.AsyncClient(timeout=5) as http:
            for name in SERVICES:
                base = fragile.stack.environment[f"{name.upper()}_URL"]
                await eventually(partial(report, http, f"{base}/health/live"), lambda r: r[0] == 200, name, 60.0)
                status, report_body = await report(http, f"{base}/health/ready")
                assert status == 503
                assert report_body["status"] == "waiting"
                down = {part for part, state in report_body["parts"].items() if state["status"] == "down"}
                assert {"database", "relay"} <= down, report_body
            refused = await http.get(f"{fragile.stack.url}/api/v1/services")
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["retry-after"]) > 0

    async def test_services_recover_once_the_servers_are_up(self, fragile: Fragile) -> None:
        await fragile.database.restore()
        await fragile.broker.restore()
        await fragile.stack.ready()
        async with httpx.AsyncClient(base_url=fragile.stack.url, timeout=10) as http:
            assert len((await http.get("/api/v1/services")).json()["items"]) == 8

    async def test_bookings_during_a_broker_outage_are_published_once_afterwards(self, fragile: Fragile) -> None:
        async with httpx.AsyncClient(base_url=fragile.stack.url, timeout=10) as http:

            async def subjects_to(address: str) -> list[str]:
                return [str(mail["subject"]) for mail in mails_to(fragile.stack.mail, address)]

            address, token = await register(http, "storm")
            await eventually(
                partial(subjects_to, address), lambda subjects: len(subjects) == 1, "the link that verifies"
            )
            service_id = (await http.get("/api/v1/services")).json()["items"][-1]["id"]
            slots = await eventually(lambda: free_slots(http, service_id), bool, "free slots")
            await fragile.broker.cut()
            booked = []
            for slot in (slots[0], slots[-1]):
                order = {"service_ids": [service_id], "loctician_id": slot["loctician_id"], "start": slot["start"]}
                answer = await http.post("/api/v1/bookings", json=order, headers=bearer(token))
                assert answer.status_code == 201, answer.text
                booked.append(answer.json()["id"])
            assert len(await subjects_to(address)) == 1
            await fragile.broker.restore()
            await eventually(
                partial(subjects_to, address),
                lambda subjects: len(subjects) == 3,
                "a mail for each booking",
                RECOVERY_SECONDS,
            )
            await fragile.stack.ready()
            assert sum("er booket" in subject for subject in await subjects_to(address)) == 2

    async def test_calls_are_refused_during_a_database_outage_and_work_afterwards(self, fragile: Fragile) -> None:
        async with httpx.AsyncClient(base_url=fragile.stack.url, timeout=20) as http:
            await fragile.database.cut()
            refused = await http.get("/api/v1/services")
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            await eventually(lambda: http.get("/health"), lambda a: a.status_code == 503, "health to tell")
            await fragile.database.restore()
            answer = await eventually(
                lambda: http.get("/api/v1/services"), lambda a: a.status_code == 200, "the catalog"
            )
            assert len(answer.json()["items"]) == 8
            await fragile.stack.ready()
