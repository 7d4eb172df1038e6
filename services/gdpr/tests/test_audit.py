"""The audit log: what is recorded, that it is append-only, and who reads it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.roles import Role
from services.gdpr.audit import audit_fields, hash_chain
from shared.database.session import Database, transaction
from shared.http.app import create_app
from shared.identity.principals import Claims
from shared.messaging.events import new_id
from shared.settings import Settings
from shared.testing.services import Deliver
from shared.testing.types import Headers

USER = {
    "user_id": str(uuid4()),
    "email": "kirsten@example.com",
    "full_name": "Kirsten Ærø",
    "phone": "+4520123456",
    "language": "da",
    "role": "customer",
    "email_verified": False,
    "active": True,
    "version": 1,
}


def calls(route: Any) -> Iterator[tuple[str, str]]:
    """Method and path of each endpoint of gdpr."""
    for inner in getattr(getattr(route, "original_router", None), "routes", [route]):
        if inner.path.startswith("/api/"):
            for method in inner.methods:
                yield method, inner.path.replace("{id}", str(uuid4()))


class TestRecording:
    async def test_an_event_delivered_twice_becomes_one_row(
        self, deliver: Deliver, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        booking, event_id = str(uuid4()), new_id()
        data = {"booking_id": booking, "status": "confirmed", "version": 1}
        attributes = {"event_id": event_id, "actor_id": "someone", "actor_role": "customer", "request_id": "request-1"}
        assert await deliver("booking.conflicted.v1", data, **attributes) is True
        assert await deliver("booking.conflicted.v1", data, **attributes) is False
        (row,) = (await client.get("/api/v1/audit", headers=auth_headers(Role.ADMIN))).json()["items"]
        assert (row["action"], row["entity"], row["entity_version"]) == ("booking.conflicted.v1", booking, 1)
        assert (row["actor_id"], row["actor_role"], row["request_id"]) == ("someone", "customer", "request-1")

    async def test_simultaneous_events_form_one_unbroken_chain(self, deliver: Deliver, database: Database) -> None:
        await asyncio.gather(*(deliver("booking.conflicted.v1", {"booking_id": str(uuid4())}) for _ in range(40)))
        async with transaction(database, Claims(role="service")) as session:
            verification = await hash_chain.verify(session)
        assert (verification.rows, verification.last_id, verification.broken) == (40, 40, None)

    async def test_no_personal_value_is_stored(self, deliver: Deliver, database: Database) -> None:
        await deliver("user.registered.v1", USER)
        async with transaction(database, Claims(role="service")) as session:
            row = (await session.execute(text("SELECT CAST(a AS text) FROM gdpr.audit_log a"))).scalar_one()
        assert str(USER["user_id"]) in row
        for value in ("kirsten", "Ærø", "20123456"):
            assert value.lower() not in row.lower()

    def test_no_data_of_an_unlisted_type_is_kept(self) -> None:
        assert audit_fields.keep_fields("surprise.happened.v1", {"email": "x", "surprise_id": 1}) == {}

    @pytest.mark.parametrize(
        "value", ["Kirsten Ærø", "kirsten@example.com", "+4520123456", "20 12 34 56", "", "a b", 1.5]
    )
    def test_a_value_that_is_not_a_code_is_dropped_from_a_listed_field(self, value: object) -> None:
        assert audit_fields.keep_fields("booking.cancelled.v1", {"reason": value}) == {"reason": None}

    def test_ids_codes_times_and_numbers_are_kept_inside_lists(self) -> None:
        item = {"item_id": str(uuid4()), "start": "2026-03-02T09:00:00Z", "price_amount": 64900, "note": "privat"}
        kept = audit_fields.keep_fields(
            "booking.created.v1", {"status": "confirmed", "items": [item], "notes": "privat"}
        )
        assert kept == {"status": "confirmed", "items": [{k: v for k, v in item.items() if k != "note"}]}

    def test_an_ip_address_is_reduced_to_its_network(self) -> None:
        assert audit_fields.keep_fields("login.failed.v1", {"ip": "203.0.113.77"}) == {"ip": "203.0.113.0/24"}
        assert audit_fields.keep_fields("login.failed.v1", {"ip": "2001:db8:1:2:3:4:5:6"}) == {"ip": "2001:db8:1::/48"}

    def test_row_counts_are_kept(self) -> None:
        data = {"rows": {"users": 1, "Kirsten Ærø": 2, "said": "hej"}, "sealed": "hemmeligt"}
        assert audit_fields.keep_fields("gdpr.erasure_done.v1", data) == {"rows": {"users": 1}}

    @pytest.mark.parametrize("claimed", ["customer", "service"])
    async def test_an_unsigned_event_names_nobody_of_the_staff(
        self, deliver: Deliver, client: httpx.AsyncClient, auth_headers: Headers, claimed: str
    ) -> None:
        """Whatever role it says."""
        admin, customer = str(uuid4()), str(uuid4())
        for person, role in ((admin, "admin"), (customer, "customer")):
            await deliver("user.registered.v1", USER | {"user_id": person, "role": role})
            await deliver("booking.conflicted.v1", {"booking_id": "b"}, actor_id=person, actor_role=claimed)
        found = {"action": "booking.conflicted.v1"}
        rows = (await client.get("/api/v1/audit", params=found, headers=auth_headers(Role.ADMIN))).json()["items"]
        assert [row["actor_id"] for row in rows] == [customer, None]

    async def test_a_search_finds_people_in_any_field(
        self, deliver: Deliver, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        admin, person, other = auth_headers(Role.ADMIN), str(uuid4()), str(uuid4())
        await deliver("booking.conflicted.v1", {"booking_id": str(uuid4()), "customer_id": person})
        await deliver("access.read.v1", {"subject_ids": [other, person], "resource": "users"}, subject=" ")
        await deliver("user.verified.v1", USER | {"user_id": other})
        await deliver("surprise.happened.v1", {"text": "x"}, subject=person)
        await deliver("session.started.v1", {"session_id": str(uuid4())}, actor_id=person)
        rows = (await client.get("/api/v1/audit", params={"person": person}, headers=admin)).json()["items"]
        assert [row["action"] for row in rows] == [
            "session.started.v1",
            "surprise.happened.v1",
            "access.read.v1",
            "booking.conflicted.v1",
        ]


class TestAppendOnly:
    @pytest.mark.parametrize("statement", ["UPDATE gdpr.audit_log SET action = ''", "DELETE FROM gdpr.audit_log"])
    async def test_the_services_role_cannot_change_the_log(
        self, database: Database, deliver: Deliver, statement: str
    ) -> None:
        await deliver("user.registered.v1", USER)
        with pytest.raises(ProgrammingError, match="permission denied"):
            await database.call(text(statement))

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE {table} SET action = ''", "DELETE FROM {table}", "TRUNCATE {table}"],
    )
    async def test_the_owner_cannot_change_the_log_or_a_partition(
        self, owner: AsyncEngine, deliver: Deliver, statement: str
    ) -> None:
        await deliver("user.registered.v1", USER)
        for table in ("gdpr.audit_log", f"gdpr.audit_log_{datetime.now(UTC):%Y_%m}"):
            with pytest.raises(DBAPIError, match="append-only"):
                async with owner.begin() as connection:
                    await connection.execute(text(statement.format(table=table)))


class TestReading:
    @pytest.mark.parametrize(
        ("role", "status"), [(None, 401), ("customer", 403), ("loctician", 403), ("staff", 403), ("admin", 200)]
    )
    async def test_only_admins_read_the_log(
        self, client: httpx.AsyncClient, auth_headers: Headers, role: str | None, status: int
    ) -> None:
        headers = auth_headers(role) if role else {}
        assert (await client.get("/api/v1/audit", headers=headers)).status_code == status

    @pytest.mark.parametrize("role", ["anonymous", "customer", "loctician", "staff"])
    async def test_row_security_hides_the_log_from_others(
        self, database: Database, deliver: Deliver, role: str
    ) -> None:
        await deliver("user.registered.v1", USER)
        async with transaction(database, Claims(role=role, sub=uuid4())) as session:
            assert (await session.execute(text("SELECT count(*) FROM gdpr.audit_log"))).scalar() == 0

    async def test_a_search_for_one_person_is_audited(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Any
    ) -> None:
        admin, person = uuid4(), str(uuid4())
        for query in ({"entity": person}, {"actor": str(admin)}, {}):
            await client.get("/api/v1/audit", params=query, headers=auth_headers(Role.ADMIN, admin))
        (event,) = await outbox()
        assert (event["type"], event["subject"], event["actorid"]) == ("access.read.v1", person, str(admin))
        assert event["data"]["resource"] == "audit"

    async def test_rows_are_filtered_and_paged(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers
    ) -> None:
        admin = auth_headers(Role.ADMIN)
        for number in range(5):
            await deliver("booking.conflicted.v1", {"booking_id": f"b{number}"}, actor_id=f"a{number % 2}")
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 2}
        while True:
            page = (await client.get("/api/v1/audit", params=query, headers=admin)).json()
            seen += [row["entity"] for row in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert seen == ["b4", "b3", "b2", "b1", "b0"]
        for query, wanted in (({"entity": "b3"}, 1), ({"actor": "a0"}, 3), ({"action": "user.updated.v1"}, 0)):
            rows = (await client.get("/api/v1/audit", params=query, headers=admin)).json()["items"]
            assert len(rows) == wanted

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": 0},
            {"limit": 10**9},
            {"cursor": "nonsens"},
            {"cursor": "WyJhIl0"},
            {"cursor": "WzFlOTldCg"},
            {"cursor": "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTld"},
            {"from": "0001-01-01T00:00:00+01:00"},
            {"to": "hej"},
            {"entity": "x" * 101},
        ],
    )
    async def test_invalid_parameters_are_422(
        self, client: httpx.AsyncClient, auth_headers: Headers, query: dict[str, Any]
    ) -> None:
        answer = await client.get("/api/v1/audit", params=query, headers=auth_headers(Role.ADMIN))
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_with_features_disabled_calls_are_404_and_events_are_recorded(
        self, service: Any, settings: Settings, database: Database, deliver: Deliver, auth_headers: Headers, app: Any
    ) -> None:
        off = create_app(service, settings.model_copy(update={"enable_gdpr_features": False}))
        off.state.verifier = app.state.verifier
        async with httpx.AsyncClient(transport=httpx.ASGITransport(off), base_url="http://test") as client:
            for route in off.routes:
                for method, path in calls(route):
                    answer = await client.request(method, path, headers=auth_headers(Role.ADMIN), json={})
                    assert answer.status_code == 404, path
        await off.state.runtime.database.close()
        assert await deliver("user.registered.v1", USER) is True
