"""Export and erasure of a person's data, and row security between people."""

from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.calendar import privacy
from services.calendar.models import metadata
from services.calendar.tests.conftest import AMINA, CUSTOMER, JONAS, WEEK, booking, open_day, user_state
from services.calendar.tests.feeds import NAMED, TREATED, at, booked
from services.calendar.tests.test_imports import calendar
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.testing.schema import of_people, under_forced_rls
from shared.testing.types import Deliver, Headers, Outbox

URL = f"/api/v1/calendar/{AMINA}"
SEEN = (
    *("working_hours", "overrides", "time_off", "imports", "appointments", "feeds", "idempotency_keys"),
    *("windows", "loctician_versions", "booking_versions"),
)


@pytest.fixture
async def amina(client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver) -> httpx.AsyncClient:
    """A client; every table has rows of Amina or of a customer."""
    headers = auth_headers("loctician", AMINA)
    await deliver("treatment.created.v1", TREATED)
    await deliver("loctician.updated.v1", NAMED)
    for person in (AMINA, CUSTOMER):
        await deliver("user.registered.v1", user_state(person, language="en"))
    await deliver("booking.created.v1", booked(at(2)))
    await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)
    await client.put(f"{URL}/overrides/{open_day()}", json={"windows": [], "reason": "private"}, headers=headers)
    off = {"start": at(40).isoformat(), "end": at(41).isoformat()}
    await client.post(f"{URL}/time-off", json=off, headers=headers | {"Idempotency-Key": "off"})
    sent = headers | {"Content-Type": "text/calendar"}
    assert (await client.post(f"{URL}/imports", content=calendar(), headers=sent)).status_code == 201
    assert (await client.post(f"{URL}/feed", headers=headers)).status_code == 201
    customers = f"/api/v1/calendar/{CUSTOMER}/feed"
    assert (await client.post(customers, headers=auth_headers("customer", CUSTOMER))).status_code == 201
    return client


async def exported(database: Database, subject: UUID) -> dict[str, Any]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        data = await privacy.export(session, subject)
    orjson.loads(orjson.dumps(data, default=str))  # it travels as JSON
    return data


class TestExport:
    async def test_a_locticians_export_has_all_tables(self, amina: httpx.AsyncClient, database: Database) -> None:
        data = await exported(database, AMINA)
        assert {name: len(rows) for name, rows in data.items()} == {
            "appointments": 1, "working_hours": 7, "overrides": 1, "time_off": 1, "imports": 1, "feeds": 1,
            "staff_feeds": 0, "names": 1, "languages": 1, "imported_busy_times": 1,
        }  # fmt: skip
        assert "token_hash" not in data["feeds"][0]

    async def test_a_customers_export_has_own_appointments(self, amina: httpx.AsyncClient, database: Database) -> None:
        data = await exported(database, CUSTOMER)
        assert {name for name, rows in data.items() if rows} == {"appointments", "feeds", "languages"}
        assert str(AMINA) not in str(data)


class TestErasure:
    async def test_erasing_a_loctician_leaves_only_appointments(
        self, amina: httpx.AsyncClient, database: Database, outbox: Outbox
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            counted = await privacy.erase(session, AMINA)
        assert counted["imports"] == counted["overrides"] == counted["names"] == 1
        data = await exported(database, AMINA)
        assert {name for name, rows in data.items() if rows} == {"appointments"}
        events = await outbox()
        assert "calendar.feed_revoked.v1" in [event["type"] for event in events]
        assert all(not day["windows"] for day in events[-1]["data"]["days"])

    async def test_no_id_leads_to_an_erased_customer(
        self, amina: httpx.AsyncClient, database: Database, auth_headers: Headers
    ) -> None:
        created = await amina.post(f"/api/v1/calendar/{CUSTOMER}/feed", headers=auth_headers("customer", CUSTOMER))
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, CUSTOMER)
            for table in metadata.tables.values():
                if table.name != "outbox":  # what waits there is sent and deleted
                    rows = (await session.execute(text(f"SELECT CAST(t AS text) FROM {table.fullname} t"))).scalars()
                    assert str(CUSTOMER) not in "".join(rows), table.name
        assert (await amina.get(f"/api/v1/calendar/feeds/{created.json()['token']}.ics")).status_code == 404
        assert len((await exported(database, AMINA))["appointments"]) == 1

    async def test_erasing_a_customer_keeps_the_appointment(self, database: Database, deliver: Deliver) -> None:
        await deliver("booking.created.v1", booking("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert len((await privacy.export(session, CUSTOMER))["appointments"]) == 1
            assert (await privacy.erase(session, CUSTOMER))["appointments"] == 1
            assert (await privacy.export(session, CUSTOMER))["appointments"] == []
            assert len((await privacy.export(session, AMINA))["appointments"]) == 1


class TestRowLevelSecurity:
    async def test_row_security_is_forced_on_every_table_with_personal_data(self, owner: AsyncEngine) -> None:
        assert await under_forced_rls(owner, "calendar") >= of_people(metadata) | set(SEEN)

    @pytest.mark.parametrize(
        "claims",
        [
            Claims(role="anonymous"),
            Claims(role="loctician", sub=JONAS),
            Claims(role="customer", sub=JONAS),
            Claims(role="customer", sub=AMINA),
            Claims(role="loctician", sub=CUSTOMER),
        ],
        ids=["nobody", "another loctician", "another customer", "a customer with her id", "a loctician with his id"],
    )
    async def test_nobody_reads_another_persons_rows(
        self, claims: Claims, amina: httpx.AsyncClient, database: Database
    ) -> None:
        for table in SEEN:
            await self._reads_none(table, claims, database)

    async def _reads_none(self, table: str, claims: Claims, database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text(f"SELECT count(*) FROM calendar.{table}"))).scalar()
        async with transaction(database, claims) as session:
            own = "owner_id" if table == "feeds" else "caller"
            others = f" WHERE {own} <> '{claims.sub}'" if table in {"feeds", "idempotency_keys"} and claims.sub else ""
            assert (await session.execute(text(f"SELECT count(*) FROM calendar.{table}{others}"))).scalar() == 0

    async def test_a_customer_reads_own_appointments_and_changes_none(
        self, amina: httpx.AsyncClient, database: Database
    ) -> None:
        async with transaction(database, Claims(role="customer", sub=CUSTOMER)) as session:
            assert (await session.execute(text("SELECT count(*) FROM calendar.appointments"))).scalar() == 1
            changed = text("UPDATE calendar.appointments SET status = 'cancelled' RETURNING 1")
            assert (await session.execute(changed)).all() == []

    async def test_nobody_writes_another_persons_rows(self, amina: httpx.AsyncClient, database: Database) -> None:
        forged = "INSERT INTO calendar.overrides VALUES (:amina, '2030-01-01', '[]', 'closed')"
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with transaction(database, Claims(role="loctician", sub=JONAS)) as session:
                await session.execute(text(forged), {"amina": AMINA})
