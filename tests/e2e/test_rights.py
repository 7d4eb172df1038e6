"""People's rights while services are killed: nothing is lost, a service that is down only delays."""

import asyncio
import signal
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.rights import abandoned, admin, anonymized, dumped, exported, finished, unpacked
from tests.e2e.salon import PASSWORD, Json, bearer, free_slots, register, register_only
from tests.e2e.stack import SERVICES, Stack, eventually


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=15) as http:
        yield http


async def me(http: httpx.AsyncClient, headers: dict[str, str]) -> str:
    return str((await http.get("/api/v1/users/me", headers=headers)).json()["id"])


async def known(http: httpx.AsyncClient, headers: dict[str, str], user_id: str) -> None:
    """Until gdpr has heard of the person."""

    async def audit_rows() -> int:
        answer = await http.get("/api/v1/audit", params={"person": user_id}, headers=headers)
        return len(answer.json()["items"])

    await eventually(audit_rows, bool, "gdpr to hear of the person")


async def request_export(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> Json:
    answer = await http.get(path, headers=headers)
    assert answer.status_code == 202, answer.text
    assert int(answer.headers["retry-after"]) > 0
    state: Json = answer.json()
    return state


@pytest.mark.slow
class TestRights:
    """One platform for all of them, which gets every service back before the next begins."""

    async def test_an_export_names_the_service_that_is_down_and_survives_a_kill_of_gdpr(
        self, stack: Stack, http: httpx.AsyncClient
    ) -> None:
        _, token = await register(http, "kirsten")
        headers = bearer(token)
        user_id = await me(http, headers)
        path = f"/api/v1/users/{user_id}/export-data"
        stack.stop("notifications", signal.SIGKILL)
        first = await request_export(http, path, headers)
        stack.stop("gdpr", signal.SIGKILL)
        stack.start("gdpr")
        await stack.ready("gdpr")

        async def waiting_for() -> list[str]:
            return list((await request_export(http, path, headers))["waiting_for"])

        await eventually(waiting_for, lambda names: names == ["notifications"], "all but notifications to answer", 60)
        stack.start("notifications")
        answer = await exported(http, user_id, headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["request_id"] == first["id"]
        assert answer.json()["data"]["services"]["auth"]["user"]["id"] == user_id
        await stack.ready()

    async def test_the_zip_can_be_opened_and_read(self, http: httpx.AsyncClient) -> None:
        _, token = await register(http, "oskar")
        headers = bearer(token) | {"Accept": "application/zip", "Accept-Language": "en"}
        files = unpacked((await exported(http, await me(http, headers), headers)).content)
        assert "Oskar Ærø" in files["data.json"]
        assert "Oskar Ærø" in files["index.html"]
        assert "What we hold about you" in files["index.html"]

    async def test_an_erasure_finishes_although_every_service_is_killed(
        self, stack: Stack, http: httpx.AsyncClient
    ) -> None:
        address, token = await register(http, "storm")
        headers, user_id = bearer(token), await me(http, bearer(token))
        service_id = (await http.get("/api/v1/services")).json()["items"][-1]["id"]
        slots = await eventually(lambda: free_slots(http, service_id), bool, "free slots")
        order = {"service_ids": [service_id], "loctician_id": slots[0]["loctician_id"], "start": slots[0]["start"]}
        booked = await http.post("/api/v1/bookings", json=order, headers=headers)
        assert booked.status_code == 201, booked.text
        admin_headers = await admin(http)
        await known(http, admin_headers, user_id)
        answer = await http.post(f"/api/v1/users/{user_id}/anonymize", headers=admin_headers)
        assert answer.status_code == 202, answer.text
        for name in ("gdpr", "auth", "booking", "calendar", "notifications", "gdpr"):
            stack.stop(name, signal.SIGKILL)
            stack.start(name)
            await asyncio.sleep(0.3)  # so that the kills meet different moments of the saga
        await stack.ready()
        done = await finished(http, answer.headers["location"], admin_headers)
        assert {answered["service"] for answered in done["answered"]} == set(SERVICES)
        rows = {answered["service"]: answered["rows"] for answered in done["answered"]}
        assert rows["booking"]["cancelled"] == 1
        refused = await http.post("/api/v1/auth/login", json={"email": address, "password": PASSWORD})
        assert refused.status_code == 401
        free = await free_slots(http, service_id, loctician_id=slots[0]["loctician_id"])
        assert slots[0]["start"] in {slot["start"] for slot in free}
        verified = (await http.get("/api/v1/audit/verify", headers=admin_headers)).json()
        assert verified["intact"] is True, verified

    async def test_a_second_erasure_finishes_too(self, http: httpx.AsyncClient) -> None:
        _, token = await register(http, "freja")
        user_id, admin_headers = await me(http, bearer(token)), await admin(http)
        await known(http, admin_headers, user_id)
        first = await anonymized(http, user_id, admin_headers)
        second = await anonymized(http, user_id, admin_headers)
        assert first["id"] != second["id"]
        assert second["status"] == "done"

    async def test_an_account_that_was_never_verified_is_erased_everywhere(
        self, stack: Stack, http: httpx.AsyncClient
    ) -> None:
        address, admin_headers = await register_only(http, "signe"), await admin(http)
        users = (await http.get("/api/v1/users", params={"q": address}, headers=admin_headers)).json()["items"]
        user_id = str(users[0]["id"])
        await known(http, admin_headers, user_id)
        assert await abandoned(stack.environment["DATABASE_URL"], user_id) == 1
        query = {"kind": "erasure", "subject_id": user_id}

        async def erasures() -> list[Json]:
            return list((await http.get("/api/v1/gdpr/requests", params=query, headers=admin_headers)).json()["items"])

        (done,) = await eventually(
            erasures, lambda all_: [request["status"] for request in all_] == ["done"], "proof", 90
        )
        assert {answered["service"] for answered in done["answered"]} == set(SERVICES)
        assert address not in str(await dumped(stack.environment["DATABASE_URL"]))

    async def test_a_loctician_with_coming_appointments_is_not_erased(self, http: httpx.AsyncClient) -> None:
        _, token = await register(http, "liam")
        service_id = (await http.get("/api/v1/services")).json()["items"][0]["id"]
        slot = (await eventually(lambda: free_slots(http, service_id), bool, "free slots"))[-1]
        order = {"service_ids": [service_id], "loctician_id": slot["loctician_id"], "start": slot["start"]}
        assert (await http.post("/api/v1/bookings", json=order, headers=bearer(token))).status_code == 201
        admin_headers = await admin(http)
        await known(http, admin_headers, slot["loctician_id"])

        async def refusal() -> str:
            path = f"/api/v1/users/{slot['loctician_id']}/export-data"
            assert (await http.get(path, headers=admin_headers)).status_code in (200, 202)
            audit = await http.get("/api/v1/audit", params={"person": slot["loctician_id"]}, headers=admin_headers)
            return str({row["action"] for row in audit.json()["items"]})

        await eventually(refusal, lambda actions: "booking.created.v1" in actions, "gdpr to hear of the booking")
        refused = await http.post(f"/api/v1/users/{slot['loctician_id']}/anonymize", headers=admin_headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "upcoming_duty")
