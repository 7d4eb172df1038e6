"""Exports: gathering, download, expiry and access."""

import io
import zipfile
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.roles import Role
from keys.derived import SealBroken
from services.gdpr import jobs, privacy
from services.gdpr.tests.people import SERVICES, answer_all, part, registered, unguarded
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.testing.services import Deliver
from shared.testing.types import Headers

HELD: dict[str, dict[str, Any]] = {
    "auth": {"user": {"email": "kirsten@example.com", "full_name": "<script>alert(1)</script>", "phone": None}},
    "booking": {"bookings": [{"id": str(uuid4()), "notes": "æøå {{7*7}}"}, {"id": str(uuid4()), "notes": None}]},
    "notifications": {"notices": []},
}


def path(user_id: UUID) -> str:
    return f"/api/v1/users/{user_id}/export-data"


async def ready(
    client: httpx.AsyncClient, deliver: Deliver, database: Database, headers: dict[str, str], person: UUID
) -> dict[str, Any]:
    request: dict[str, Any] = (await client.get(path(person), headers=headers)).json()
    assert database.keys
    await answer_all(deliver, database.keys, request, HELD)
    return request


class TestGathering:
    async def test_the_request_lists_the_services_that_have_not_answered(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers, outbox: Any
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(Role.CUSTOMER, person)
        answer = await client.get(path(person), headers=headers)
        assert answer.status_code == 202
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["waiting_for"] == SERVICES
        (event,) = [item for item in await outbox() if item["type"] == "gdpr.export_requested.v1"]
        assert event["data"] == {"version": 1, "request_id": answer.json()["id"], "subject_id": str(person)}
        assert database.keys
        for number, service in enumerate(SERVICES, 1):
            await deliver("gdpr.export_part.v1", part(database.keys, answer.json(), service, HELD.get(service, {})))
            now = await client.get(path(person), headers=headers)
            if number < len(SERVICES):
                assert (now.status_code, now.json()["waiting_for"]) == (202, SERVICES[number:])
                assert [item["service"] for item in now.json()["answered"]] == SERVICES[:number]
        assert now.status_code == 200
        assert now.json()["data"]["services"]["booking"] == HELD["booking"]

    async def test_asking_again_while_it_runs_starts_no_second_export(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers, outbox: Any
    ) -> None:
        person = await registered(deliver)
        ids = {(await client.get(path(person), headers=auth_headers(Role.ADMIN))).json()["id"] for _ in range(3)}
        assert len(ids) == 1
        assert len([event for event in await outbox() if event["type"] == "gdpr.export_requested.v1"]) == 1

    async def test_a_repeated_part_and_a_part_sealed_for_another_request_change_nothing(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(Role.CUSTOMER, person)
        request = (await client.get(path(person), headers=headers)).json()
        assert database.keys
        await deliver("gdpr.export_part.v1", part(database.keys, request, "auth", HELD["auth"]))
        await deliver("gdpr.export_part.v1", part(database.keys, request, "auth", {"user": {"email": "another"}}))
        forged = part(database.keys, request | {"id": str(uuid4())}, "booking", {}) | {"request_id": request["id"]}
        with pytest.raises(SealBroken):
            await deliver("gdpr.export_part.v1", forged)
        assert len((await client.get(path(person), headers=headers)).json()["answered"]) == 1
        await answer_all(deliver, database.keys, request, HELD)
        assert (await client.get(path(person), headers=headers)).json()["data"]["services"]["auth"] == HELD["auth"]

    async def test_renewing_starts_a_new_export_only_once_the_last_one_is_ready(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(Role.CUSTOMER, person)
        first = await ready(client, deliver, database, headers, person)
        second = await client.get(path(person), params={"renew": True}, headers=headers)
        assert second.status_code == 202
        assert second.json()["id"] != first["id"]
        third = await client.get(path(person), params={"renew": True}, headers=headers)
        assert third.json()["id"] == second.json()["id"]


class TestDownload:
    async def test_the_json_export_fits_its_schema(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(Role.CUSTOMER, person)
        await ready(client, deliver, database, headers, person)
        answer = await client.get(path(person), headers=headers)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        content = answer.json()
        Draft202012Validator.check_schema(content["schema"])
        Draft202012Validator(content["schema"]).validate(content["data"])
        spoilt = orjson.loads(orjson.dumps(content["data"]))
        spoilt["services"]["booking"]["bookings"][0]["notes"] = 7
        assert not Draft202012Validator(content["schema"]).is_valid(spoilt)

    @pytest.mark.parametrize(
        ("language", "words"),
        [("da", ["Oplysninger, vi har om dig", "Aftaler"]), ("en", ["What we hold", "Appointments"])],
    )
    async def test_the_zip_has_a_page_in_the_readers_language_with_all_values_escaped(
        self,
        client: httpx.AsyncClient,
        deliver: Deliver,
        database: Database,
        auth_headers: Headers,
        language: str,
        words: list[str],
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(Role.CUSTOMER, person)
        await ready(client, deliver, database, headers, person)
        wanted = {"Accept": "application/zip", "Accept-Language": language}
        answer = await client.get(path(person), headers=headers | wanted)
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.namelist() == ["data.json", "schema.json", "index.html"]
            data, schema = (orjson.loads(archive.read(name)) for name in ("data.json", "schema.json"))
            page = archive.read("index.html").decode()
        Draft202012Validator(schema).validate(data)
        for word in [*words, "kirsten@example.com", "&lt;script&gt;alert(1)", "æøå {{7*7}}", "6(1)(f)"]:
            assert word in page
        assert "<script" not in page

    async def test_each_download_is_audited(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers, outbox: Any
    ) -> None:
        person, admin = await registered(deliver), uuid4()
        headers = auth_headers(Role.ADMIN, admin)
        await ready(client, deliver, database, headers, person)
        for accept in ("application/zip", "application/json"):
            await client.get(path(person), headers=headers | {"Accept": accept})
        events = [event for event in await outbox() if event["type"] == "gdpr.export_downloaded.v1"]
        assert [(event["data"]["format"], event["subject"], event["actorid"]) for event in events] == [
            ("zip", str(person), str(admin)),
            ("json", str(person), str(admin)),
        ]


class TestAuditLog:
    async def test_the_export_names_nobody_else(self, deliver: Deliver, database: Database) -> None:
        """Of a read of many people, of an appointment, and of what the person read of others."""
        person, others = await registered(deliver), [str(uuid4()) for _ in range(99)]
        staff, customer, booking_id = str(uuid4()), str(uuid4()), str(uuid4())
        many = {"subject_id": None, "subject_ids": [*others, str(person)], "resource": "users"}
        await deliver("access.read.v1", many, subject=" ", actor_id=staff, actor_role="staff")
        await deliver("access.read.v1", many, subject=" ", actor_id=str(person), actor_role="loctician")
        own = {"subject_id": customer, "subject_ids": [], "resource": "user"}
        await deliver("access.read.v1", own, subject=customer, actor_id=str(person), actor_role="loctician")
        items = [{"item_id": str(uuid4()), "loctician_id": loctician} for loctician in (str(person), others[0])]
        booking = {"booking_id": booking_id, "version": 1, "status": "confirmed", "customer_id": customer}
        booking |= {"end": "2031-03-03T10:00:00Z", "items": items}
        await deliver("booking.created.v1", booking, subject=booking_id, actor_id=customer, actor_role="customer")
        async with transaction(database, SERVICE_CLAIMS) as session:
            rows = (await privacy.export(session, person))["audit_log"]
        exported = str(rows)
        assert not [other for other in (*others, staff, customer) if other in exported]
        assert str(person) in exported
        assert booking_id in exported
        accesses = [row for row in rows if row["action"] == "access.read.v1"]
        assert [(row["actor_role"], row["actor_id"], row["data"].get("subject_ids")) for row in accesses] == [
            ("loctician", str(person), []),
            ("loctician", str(person), [str(person)]),
            ("staff", None, [str(person)]),
        ]


class TestKeeping:
    async def test_exported_data_is_encrypted_in_tables_and_messages(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers, owner: AsyncEngine
    ) -> None:
        person = await registered(deliver)
        await ready(client, deliver, database, auth_headers(Role.CUSTOMER, person), person)
        async with unguarded(owner) as connection:
            for table in ("request_parts", "audit_log", "outbox", "requests"):
                held = str(
                    (await connection.execute(text(f"SELECT CAST(t AS text) FROM gdpr.{table} t"))).scalars().all()
                )
                assert "kirsten" not in held
                assert b"kirsten".hex() not in held

    async def test_an_export_expires_after_seven_days(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers, owner: AsyncEngine
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(Role.CUSTOMER, person)
        request = await ready(client, deliver, database, headers, person)
        async with unguarded(owner) as connection:
            kept = await connection.scalar(text("SELECT expires_at - finished_at FROM gdpr.requests"))
            assert kept.days == 7
            await connection.execute(text("UPDATE gdpr.requests SET expires_at = now() - interval '1 second'"))
        assert (await client.get(path(person), headers=headers)).status_code == 404
        async with transaction(database, SERVICE_CLAIMS) as session:
            await jobs.expire_exports(session)
        async with unguarded(owner) as connection:
            assert await connection.scalar(text("SELECT count(sealed) FROM gdpr.request_parts")) == 0
        again = await client.get(path(person), headers=headers)
        assert (again.status_code, again.json()["id"] == request["id"]) == (202, False)

    async def test_erasing_the_person_deletes_ready_and_running_exports(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers
    ) -> None:
        person = await registered(deliver)
        headers = auth_headers(Role.CUSTOMER, person)
        request = await ready(client, deliver, database, headers, person)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await privacy.erase(session, person))["exports"] == len(SERVICES)
        admin = auth_headers(Role.ADMIN)
        shown = (await client.get(f"/api/v1/gdpr/requests/{request['id']}", headers=admin)).json()
        assert shown["status"] == "cancelled"
        for asker in (headers, admin):
            assert (await client.get(path(person), headers=asker)).status_code == 404


class TestAccess:
    @pytest.mark.parametrize("role", ["customer", "loctician", "staff"])
    async def test_another_persons_export_is_404_for_all_but_admins(
        self, client: httpx.AsyncClient, deliver: Deliver, auth_headers: Headers, role: str
    ) -> None:
        person = await registered(deliver)
        assert (await client.get(path(person), headers=auth_headers(role))).status_code == 404
        assert (await client.get(path(person))).status_code == 401

    async def test_an_unknown_person_is_404_for_an_admin(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        assert (await client.get(path(uuid4()), headers=auth_headers(Role.ADMIN))).status_code == 404

    async def test_row_security_shows_people_only_their_own_requests(
        self, client: httpx.AsyncClient, deliver: Deliver, database: Database, auth_headers: Headers
    ) -> None:
        person = await registered(deliver)
        await ready(client, deliver, database, auth_headers(Role.CUSTOMER, person), person)
        counting = text("SELECT (SELECT count(*) FROM gdpr.requests), (SELECT count(*) FROM gdpr.request_parts)")
        for caller, seen in ((person, (1, len(SERVICES))), (uuid4(), (0, 0))):
            async with transaction(database, Claims(role="customer", sub=caller)) as session:
                assert tuple((await session.execute(counting)).one()) == seen
        async with transaction(database, Claims(role="staff", sub=uuid4())) as session:
            assert tuple((await session.execute(counting)).one()) == (0, 0)
