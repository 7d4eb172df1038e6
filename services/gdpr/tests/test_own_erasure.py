"""A person asks for the own erasure, which can be withdrawn for seven days."""

import time
from datetime import UTC, datetime
from uuid import UUID

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.roles import Role
from services.gdpr.jobs import begin_erasures
from services.gdpr.tests.people import SERVICES, booking, registered, unguarded
from services.gdpr.tests.test_erasures import anonymize
from shared.database.session import transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.services import Deliver
from shared.testing.types import Headers, Outbox, TokenFor


class TestOwnErasure:
    PATH = "/api/v1/users/me/erasure"

    async def test_is_scheduled_shown_and_withdrawn(
        self, client: httpx.AsyncClient, deliver: Deliver, token_for: TokenFor, auth_headers: Headers, outbox: Outbox
    ) -> None:
        person = await registered(deliver)
        mine, admin = signed_in(token_for, person), auth_headers(Role.ADMIN)
        assert (await client.get(self.PATH, headers=mine)).status_code == 404
        first, again = [await client.post(self.PATH, headers=mine) for _ in range(2)]
        assert (first.status_code, again.json()) == (202, first.json())
        request = first.json()
        assert (request["status"], request["kind"], request["subject_id"]) == ("scheduled", "erasure", str(person))
        assert 6.9 < (datetime.fromisoformat(request["runs_at"]) - datetime.now(UTC)).total_seconds() / 86400 < 7.1
        assert (await client.get(self.PATH, headers=mine)).json() == request
        for status, count in (("scheduled", 1), ("running", 0), ("cancelled", 0)):
            listed = await client.get("/api/v1/gdpr/requests", params={"status": status}, headers=admin)
            assert len(listed.json()["items"]) == count, status
        await begin_due(client)
        assert (await client.get(self.PATH, headers=mine)).json()["status"] == "scheduled"
        assert (await client.delete(self.PATH, headers=mine)).status_code == 204
        assert (await client.delete(self.PATH, headers=mine)).status_code == 404
        assert (await client.get(self.PATH, headers=mine)).status_code == 404
        kept = await client.get(f"/api/v1/gdpr/requests/{request['id']}", headers=admin)
        assert (kept.json()["status"], kept.json()["version"]) == ("cancelled", 2)
        assert (await client.post(self.PATH, headers=mine)).json()["id"] != request["id"]
        events = [event["type"] for event in await outbox() if event["type"].startswith("gdpr.")]
        assert events == ["gdpr.erasure_scheduled.v1", "gdpr.erasure_withdrawn.v1", "gdpr.erasure_scheduled.v1"]

    async def test_needs_a_login_of_the_last_five_minutes(
        self, client: httpx.AsyncClient, deliver: Deliver, token_for: TokenFor
    ) -> None:
        person = await registered(deliver)
        for ago in (301, 10**9, -600):
            refused = await client.post(self.PATH, headers=signed_in(token_for, person, ago=ago))
            assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
        assert (await client.post(self.PATH, headers=signed_in(token_for, person, ago=280))).status_code == 202
        assert (await client.delete(self.PATH, headers=signed_in(token_for, person, ago=3600))).status_code == 204

    async def test_runs_when_the_time_to_withdraw_is_over(
        self, client: httpx.AsyncClient, deliver: Deliver, token_for: TokenFor, owner: AsyncEngine, outbox: Outbox
    ) -> None:
        person = await registered(deliver)
        mine = signed_in(token_for, person)
        request = (await client.post(self.PATH, headers=mine)).json()
        await make_due(owner)
        await begin_due(client)
        await begin_due(client)
        shown = (await client.get(self.PATH, headers=mine)).json()
        assert (shown["id"], shown["status"], shown["runs_at"]) == (request["id"], "running", None)
        assert set(shown["waiting_for"]) == set(SERVICES)
        refused = await client.delete(self.PATH, headers=mine)
        assert (refused.status_code, refused.json()["code"]) == (409, "erasure_running")
        (asked,) = [event for event in await outbox() if event["type"] == "gdpr.erasure_requested.v1"]
        assert asked["data"]["request_id"] == request["id"]
        assert asked["data"]["services"] == ["auth"]

    async def test_an_admin_can_start_it_at_once(
        self, client: httpx.AsyncClient, deliver: Deliver, token_for: TokenFor, auth_headers: Headers
    ) -> None:
        person = await registered(deliver)
        request = (await client.post(self.PATH, headers=signed_in(token_for, person))).json()
        started = await anonymize(client, auth_headers(Role.ADMIN), person)
        assert (started.json()["id"], started.json()["status"]) == (request["id"], "running")

    async def test_the_last_admin_cannot_and_two_cannot_both(
        self, client: httpx.AsyncClient, deliver: Deliver, token_for: TokenFor
    ) -> None:
        first = await registered(deliver, "admin")
        refused = await client.post(self.PATH, headers=signed_in(token_for, first, Role.ADMIN))
        assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
        second = await registered(deliver, "admin")
        assert (await client.post(self.PATH, headers=signed_in(token_for, first, Role.ADMIN))).status_code == 202
        refused = await client.post(self.PATH, headers=signed_in(token_for, second, Role.ADMIN))
        assert refused.json()["code"] == "last_admin"

    async def test_a_loctician_with_upcoming_appointments_cannot_and_new_ones_postpone_it(
        self, client: httpx.AsyncClient, deliver: Deliver, token_for: TokenFor, owner: AsyncEngine
    ) -> None:
        person = await registered(deliver, "loctician")
        mine = signed_in(token_for, person, Role.LOCTICIAN)
        held = booking(person)
        await deliver("booking.created.v1", held)
        refused = await client.post(self.PATH, headers=mine)
        assert (refused.status_code, refused.json()["code"]) == (409, "upcoming_duty")
        await deliver("booking.cancelled.v1", held | {"status": "cancelled", "version": 2})
        assert (await client.post(self.PATH, headers=mine)).status_code == 202
        await deliver("booking.created.v1", booking(person))
        await make_due(owner)
        await begin_due(client)
        assert (await client.get(self.PATH, headers=mine)).json()["status"] == "scheduled"

    async def test_nobody_reaches_the_request_of_another_person(
        self, client: httpx.AsyncClient, deliver: Deliver, token_for: TokenFor
    ) -> None:
        person, other = await registered(deliver), await registered(deliver)
        await client.post(self.PATH, headers=signed_in(token_for, person))
        for method in ("GET", "DELETE"):
            assert (await client.request(method, self.PATH, headers=signed_in(token_for, other))).status_code == 404
        assert (await client.get(self.PATH, headers=signed_in(token_for, person))).status_code == 200


def signed_in(token_for: TokenFor, person: UUID, role: Role = Role.CUSTOMER, ago: int = 0) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_for(role, person, auth_time=int(time.time()) - ago)}"}


async def begin_due(client: httpx.AsyncClient) -> None:
    database = client._transport.app.state.runtime.database  # type: ignore[attr-defined]
    async with transaction(database, SERVICE_CLAIMS) as session:
        await begin_erasures(session)


async def make_due(owner: AsyncEngine) -> None:
    async with unguarded(owner) as connection:
        await connection.execute(text("UPDATE gdpr.requests SET runs_at = now() - interval '1 minute'"))
