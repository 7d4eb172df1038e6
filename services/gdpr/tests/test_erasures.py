"""Erasures: their steps, who cannot be erased, and accounts that were never verified."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.roles import Role
from services.gdpr.erasures import service as erasures
from services.gdpr.tests.people import SERVICES, booking, proof, registered, user
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.services import Deliver
from shared.testing.types import Headers

Json = dict[str, Any]
FIRST, SECOND, REST = ["auth"], ["booking"], ["calendar", "gdpr", "notifications"]


async def anonymize(client: httpx.AsyncClient, headers: dict[str, str], user_id: object) -> httpx.Response:
    return await client.post(f"/api/v1/users/{user_id}/anonymize", headers=headers)


class TestSteps:
    async def test_services_erase_in_steps_and_each_confirms(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers, outbox: Any
    ) -> None:
        person, admin = await registered(deliver), auth_headers(Role.ADMIN)
        answer = await anonymize(client, admin, person)
        assert answer.status_code == 202
        request, where = answer.json(), answer.headers["location"]

        async def steps_requested() -> list[list[str]]:
            events = [event for event in await outbox() if event["type"] == "gdpr.erasure_requested.v1"]
            assert {event["subject"] for event in events} == {str(person)}
            return [event["data"]["services"] for event in events]

        assert await steps_requested() == [FIRST]
        await deliver("gdpr.erasure_done.v1", proof(request, "auth"))
        assert await steps_requested() == [FIRST, SECOND]
        await deliver("gdpr.erasure_done.v1", proof(request, "booking"))
        assert await steps_requested() == [FIRST, SECOND, REST]
        for service in REST:
            assert (await client.get(where, headers=admin)).json()["status"] == "running"
            await deliver("gdpr.erasure_done.v1", proof(request, service))
        done = (await client.get(where, headers=admin)).json()
        assert (done["status"], done["waiting_for"]) == ("done", [])
        assert {part["service"]: part["rows"] for part in done["answered"]} == {name: {"table": 1} for name in SERVICES}
        assert [event["type"] for event in await outbox()].count("gdpr.erasure_completed.v1") == 1

    async def test_a_confirmation_delivered_twice_starts_no_step_twice(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers, outbox: Any
    ) -> None:
        person = await registered(deliver)
        request = (await anonymize(client, auth_headers(Role.ADMIN), person)).json()
        for _ in range(3):
            await deliver("gdpr.erasure_done.v1", proof(request, "auth"))
        assert [event["type"] for event in await outbox()].count("gdpr.erasure_requested.v1") == 2

    async def test_repeating_shows_the_running_erasure_and_later_starts_another(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers
    ) -> None:
        person, admin = await registered(deliver), auth_headers(Role.ADMIN)
        first = (await anonymize(client, admin, person)).json()
        assert (await anonymize(client, admin, person)).json()["id"] == first["id"]
        for service in [*FIRST, *SECOND, *REST]:
            await deliver("gdpr.erasure_done.v1", proof(first, service))
        again = await anonymize(client, admin, person)
        assert (again.status_code, again.json()["id"] == first["id"]) == (202, False)

    async def test_the_request_shows_the_missing_services_and_its_deadline(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers
    ) -> None:
        person, admin = await registered(deliver), auth_headers(Role.ADMIN)
        request = (await anonymize(client, admin, person)).json()
        assert request["waiting_for"] == SERVICES
        assert 27 < (await _days(request)) < 32
        listed = (await client.get("/api/v1/gdpr/requests", params={"kind": "erasure"}, headers=admin)).json()["items"]
        assert [row["id"] for row in listed] == [request["id"]]

    def test_the_login_ends_first_and_appointments_are_cancelled_next(self) -> None:
        assert erasures.steps() == [FIRST, SECOND, REST]


async def _days(request: Json) -> float:
    from datetime import datetime

    begun, due = (datetime.fromisoformat(request[name]) for name in ("requested_at", "deadline"))
    return (due - begun).total_seconds() / 86400


class TestRefusals:
    async def test_the_last_admin_cannot_be_erased(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers
    ) -> None:
        only = await registered(deliver, "admin")
        refused = await anonymize(client, auth_headers(Role.ADMIN, only), only)
        assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
        second = await registered(deliver, "admin")
        assert (await anonymize(client, auth_headers(Role.ADMIN), only)).status_code == 202
        refused = await anonymize(client, auth_headers(Role.ADMIN), second)
        assert refused.json()["code"] == "last_admin", "the other one is being erased"

    async def test_deactivated_and_former_admins_do_not_count(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers
    ) -> None:
        left, lowered, last = [await registered(deliver, "admin") for _ in range(3)]
        await deliver("user.deactivated.v1", user(left, "admin", version=2) | {"active": False})
        await deliver("user.role_changed.v1", user(lowered, "staff", version=3))
        await deliver("user.updated.v1", user(lowered, "admin", version=2))
        refused = await anonymize(client, auth_headers(Role.ADMIN), last)
        assert refused.json()["code"] == "last_admin"
        await deliver("user.reactivated.v1", user(left, "admin", version=3))
        assert (await anonymize(client, auth_headers(Role.ADMIN), last)).status_code == 202

    async def test_a_loctician_with_upcoming_appointments_cannot_be_erased(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers
    ) -> None:
        admin, loctician = auth_headers(Role.ADMIN), await registered(deliver, "loctician")
        coming, past = booking(loctician), booking(loctician, days=-3)
        for data in (coming, past):
            await deliver("booking.created.v1", data)
        refused = await anonymize(client, admin, loctician)
        assert (refused.status_code, refused.json()["code"]) == (409, "upcoming_duty")
        assert refused.json()["appointments"] == 1
        await deliver("booking.cancelled.v1", coming | {"status": "cancelled", "version": 2})
        await deliver("booking.confirmed.v1", coming | {"version": 1})
        assert (await anonymize(client, admin, loctician)).status_code == 202

    async def test_a_customer_with_upcoming_appointments_can_be_erased(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers
    ) -> None:
        person = await registered(deliver)
        await deliver("booking.created.v1", booking(uuid4()) | {"customer_id": str(person)})
        assert (await anonymize(client, auth_headers(Role.ADMIN), person)).status_code == 202

    async def test_an_unknown_person_is_404(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        assert (await anonymize(client, auth_headers(Role.ADMIN), uuid4())).status_code == 404

    @pytest.mark.parametrize(("role", "status"), [(None, 401), ("customer", 403), ("loctician", 403), ("staff", 403)])
    async def test_only_admins_erase_and_read_requests(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers, role: str | None, status: int
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(role, person) if role else {}
        assert (await anonymize(client, headers, person)).status_code == status
        for path in ("/api/v1/gdpr/requests", f"/api/v1/gdpr/requests/{uuid4()}"):
            assert (await client.get(path, headers=headers)).status_code == status


class TestNeverVerified:
    async def test_a_person_who_never_verified_is_erased_automatically(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers, outbox: Any
    ) -> None:
        person = await registered(deliver)
        for _ in range(2):
            await deliver("user.never_verified.v1", {"user_id": str(person), "version": 1})
        erasures_requested = [item["data"] for item in await outbox() if item["type"] == "gdpr.erasure_requested.v1"]
        assert [(item["subject_id"], item["services"]) for item in erasures_requested] == [(str(person), FIRST)]
        listed = await client.get("/api/v1/gdpr/requests", params={"kind": "erasure"}, headers=auth_headers(Role.ADMIN))
        (request,) = listed.json()["items"]
        assert (request["subject_id"], request["requested_by"]) == (str(person), str(erasures.SYSTEM_ID))
        for service in [*FIRST, *SECOND, *REST]:
            await deliver("gdpr.erasure_done.v1", proof(request, service))
        assert [event["type"] for event in await outbox()].count("gdpr.erasure_completed.v1") == 1

    async def test_a_person_whom_the_salon_knows_is_kept(self, deliver: Deliver, outbox: Any) -> None:
        booked, holds, staff = await registered(deliver), await registered(deliver), await registered(deliver, "staff")
        past = booking(uuid4(), days=-3) | {"customer_id": str(booked)}
        await deliver("booking.created.v1", past)
        await deliver("booking.created.v1", booking(holds))
        for person in (booked, holds, staff, uuid4()):
            assert await deliver("user.never_verified.v1", {"user_id": str(person), "version": 1})
        assert [event["type"] for event in await outbox()] == []


class TestLateEvents:
    async def test_a_late_event_does_not_restore_an_erased_person(self, deliver: Deliver, database: Database) -> None:
        from services.gdpr import privacy
        from services.gdpr.people import queries as people

        person = await registered(deliver, "loctician")
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, person)
        await deliver("user.updated.v1", user(person, "loctician", version=9))
        async with transaction(database, SERVICE_CLAIMS) as session:
            known = await people.find_person(session, person)
            assert known is not None
            assert (known.role, known.active) == (None, False)
