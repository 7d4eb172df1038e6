"""A person with a mark in every field that takes one: all marks are in the export; once erased, none is anywhere."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from shared.testing.servers import Servers
from tests.e2e.canary import MARKS, PASSING, SECRET, Canary
from tests.e2e.conftest import own_servers, started
from tests.e2e.rights import admin, anonymized, exported, holding, unpacked

# Where the person's id may stay, which nothing ties to anybody any more: what keeps late news from bringing them back,
# and what proves that they were forgotten.
TOMBSTONES = {
    "auth.sessions",
    "auth.users",
    "booking.locticians",
    "calendar.loctician_versions",
    "notifications.contacts",
    "notifications.loctician_names",
}
PROOFS = {"gdpr.requests", "gdpr.people"}


@pytest.fixture(scope="module")
async def canary(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Canary]:
    async with (
        own_servers(servers) as (database_url, amqp_url),
        started(tmp_path_factory.mktemp("canary"), database_url, amqp_url) as stack,
        httpx.AsyncClient(base_url=stack.url, timeout=15) as http,
    ):
        await stack.ready()
        yield Canary(stack, http, amqp_url, servers.management_url)


@pytest.mark.slow
class TestCanary:
    """One life, told in the order of the tests."""

    async def test_every_flow_stores_its_marks(self, canary: Canary) -> None:
        await canary.live()
        places_of_marks = holding(await canary.everywhere(), MARKS)
        assert {mark for _, mark in places_of_marks} == set(MARKS)
        places = {place for place, _ in places_of_marks}
        services = ("booking", "calendar", "notifications")
        failed = {f"{name}.{kind}" for name in services for kind in ("dead", "retry.10m")}
        tables = {"auth.users", "booking.bookings", "booking.locticians", "calendar.imports"}
        assert failed | tables <= places

    async def test_secrets_and_refused_input_are_stored_nowhere(self, canary: Canary) -> None:
        assert holding(await canary.everywhere(), PASSING) == set()

    async def test_export_holds_every_mark(self, canary: Canary) -> None:
        headers = canary.headers | {"Accept": "application/zip"}
        files = unpacked((await exported(canary.http, canary.user_id, headers)).content)
        for file in ("data.json", "index.html"):
            assert {mark for _, mark in holding({file: files[file]}, MARKS)} == set(MARKS), file
        assert holding(files, PASSING) == set()
        held = orjson.loads(files["data.json"])["services"]
        tables_with_data = {
            "booking": ("bookings", "waitlist", "holds", "profile"),
            "calendar": ("imports", "time_off", "feeds", "imported_busy_times"),
            "notifications": ("preferences", "deliveries", "notices"),
            "gdpr": ("consents",),
        }
        for service, tables in tables_with_data.items():
            for table in tables:
                assert held[service][table], f"{service}.{table}"

    async def test_no_mark_is_left_in_tables_queues_or_logs_after_erasure(self, canary: Canary) -> None:
        done = await anonymized(canary.http, canary.user_id, await admin(canary.http))
        dead = {service_answer["service"]: service_answer["dead_letters"] for service_answer in done["answered"]}
        assert all(dead[service] >= 2 for service in ("booking", "calendar", "notifications")), dead
        left = await canary.everywhere()
        assert holding(left, MARKS | PASSING) == set()
        places = {place for place, _ in holding(left, {"id": canary.user_id})}
        proofs = {place for place in places if place.startswith("gdpr.audit_log") or place.endswith(".erased_subjects")}
        logs = {place for place in places if place.endswith(".log")}
        assert places - proofs - logs <= TOMBSTONES | PROOFS
        refused = await canary.http.post("/api/v1/auth/login", json={"email": MARKS["email"], **SECRET})
        assert refused.status_code == 401
        gone = await canary.http.get(f"/api/v1/users/{canary.user_id}/export-data", headers=canary.headers)
        assert gone.status_code in (401, 404), gone.text
