"""Nobody sees the bookings of others, through the API or through the tables."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.booking.tests.conftest import AMINA, JONAS, RETWIST, Book, SignIn, at, booking_body, set_rules
from shared.database.session import Database, transaction
from shared.identity.principals import ANONYMOUS_CLAIMS, SERVICE_CLAIMS, Claims
from shared.settings import runtime_role
from shared.testing.types import Headers

TABLES = ("bookings", "booking_items", "booking_history")


@pytest.fixture
async def two(book: Book, salon: date) -> tuple[dict[str, Any], dict[str, Any]]:
    """One booking with Amina and one with Jonas, of two customers."""
    first = await book(at(salon, "10:00"), key="k", notes="privat")
    second = await book(at(salon, "10:00"), key="k", loctician=JONAS)
    return first.json(), second.json()


async def rows(database: Database, claims: Claims, table: str) -> int:
    async with transaction(database, claims) as session:
        return int((await session.execute(text(f"SELECT count(*) FROM booking.{table}"))).scalar_one())


class TestRowLevelSecurity:
    @pytest.mark.parametrize("table", TABLES)
    async def test_a_query_without_conditions_shows_what_the_claims_allow(
        self, two: tuple[dict[str, Any], dict[str, Any]], database: Database, table: str
    ) -> None:
        own = UUID(two[0]["customer_id"])
        seen = {
            "own": await rows(database, Claims("customer", own), table),
            "stranger": await rows(database, Claims("customer", uuid4()), table),
            "amina": await rows(database, Claims("loctician", AMINA), table),
            "customer with a loctician's id": await rows(database, Claims("customer", AMINA), table),
            "other loctician": await rows(database, Claims("loctician", uuid4()), table),
            "staff": await rows(database, Claims("staff", uuid4()), table),
            "admin": await rows(database, Claims("admin", uuid4()), table),
            "service": await rows(database, SERVICE_CLAIMS, table),
            "anonymous": await rows(database, ANONYMOUS_CLAIMS, table),
            "unknown role": await rows(database, Claims("root", uuid4()), table),
        }
        assert seen == {
            "own": 1, "stranger": 0, "amina": 1, "customer with a loctician's id": 0, "other loctician": 0,
            "staff": 2, "admin": 2, "service": 2, "anonymous": 0, "unknown role": 0,
        }  # fmt: skip

    async def test_the_claims_of_a_link_show_one_booking_and_nothing_else_of_the_customer(
        self, two: tuple[dict[str, Any], dict[str, Any]], book: Book, salon: date, database: Database, sign_in: SignIn
    ) -> None:
        customer = UUID(two[0]["customer_id"])
        another = (await book(at(salon, "13:00"), customer=customer)).json()
        person = sign_in("customer", customer)
        await person.post("/bookings/holds", booking_body(at(salon, "15:00")))
        limited = Claims("customer", customer, limited_to=UUID(two[0]["id"]))
        seen = {table: await rows(database, limited, table) for table in TABLES}
        assert seen == {"bookings": 1, "booking_items": 1, "booking_history": 1}
        for table in ("holds", "waitlist", "customers", "idempotency_keys"):
            assert await rows(database, limited, table) == 0, table
        assert await rows(database, Claims("customer", customer), "holds") == 1
        stranger = Claims("customer", customer, limited_to=UUID(two[1]["id"]))
        assert {table: await rows(database, stranger, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
        async with transaction(database, limited) as session:
            cancel = "UPDATE booking.bookings SET notes = 'x' WHERE id = :id"
            changed: Any = await session.execute(text(cancel), {"id": another["id"]})
            assert changed.rowcount == 0

    async def test_idempotency_keys_are_visible_to_their_caller_only(
        self, two: tuple[dict[str, Any], dict[str, Any]], database: Database
    ) -> None:
        own = UUID(two[0]["customer_id"])
        assert await rows(database, Claims("customer", own), "idempotency_keys") == 1
        assert await rows(database, Claims("admin", uuid4()), "idempotency_keys") == 0

    async def test_a_pooled_connection_keeps_no_claims(
        self, two: tuple[dict[str, Any], dict[str, Any]], database: Database, client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:  # fmt: skip
        await client.get("/api/v1/bookings", headers=auth_headers("admin"))
        count = text(
            "SELECT count(*) AS bookings, current_setting('request.jwt.claims', true) AS claims FROM booking.bookings"
        )
        for _ in range(20):
            [row] = await database.call(count)
            assert (row.bookings, row.claims or "") == (0, "")

    async def test_without_claims_nothing_can_be_written(self, salon: date, database: Database) -> None:
        statement = text("SELECT booking.refuse('x') FROM booking.bookings")
        assert list(await database.call(statement)) == []
        insert = text("INSERT INTO booking.customers (id) VALUES (gen_random_uuid()) RETURNING id")
        with pytest.raises(DBAPIError, match="row-level security"):
            await database.call(insert)

    async def test_the_role_cannot_disable_the_policies(self, salon: date, database: Database) -> None:
        for statement in (
            "ALTER TABLE booking.bookings DISABLE ROW LEVEL SECURITY",
            "DROP POLICY customer_loctician_or_salon ON booking.bookings",
            "DELETE FROM booking.bookings",
            "DELETE FROM booking.booking_history",
            "CREATE OR REPLACE FUNCTION booking.clock() RETURNS timestamptz LANGUAGE sql RETURN 'epoch'::timestamptz",
            "ALTER TABLE booking.bookings DISABLE TRIGGER keep_to_the_states",
        ):
            with pytest.raises(DBAPIError, match=r"must be owner|permission denied"):
                await database.call(text(statement))

    async def test_holds_and_wishes_are_visible_to_their_customer_and_the_salon(
        self, salon: date, database: Database, sign_in: SignIn
    ) -> None:
        customer = sign_in()
        await customer.post("/bookings/holds", booking_body(at(salon, "10:00")))
        closed = (salon + timedelta(days=1)).isoformat()
        days = {"from": closed, "to": closed}
        await customer.post("/waitlist", {"service_ids": [str(RETWIST)]} | days)
        for table in ("holds", "waitlist"):
            seen = [
                await rows(database, claims, table)
                for claims in (
                    Claims("customer", customer.id), Claims("customer", uuid4()), Claims("loctician", AMINA),
                    Claims("staff", uuid4()), SERVICE_CLAIMS, ANONYMOUS_CLAIMS,
                )
            ]  # fmt: skip
            assert seen == [1, 0, 0, 1, 1, 0]

    async def test_the_salons_rules_are_readable_by_all_and_writable_by_staff(
        self, salon: date, database: Database, sign_in: SignIn
    ) -> None:
        await set_rules(sign_in)
        for claims, changed in ((Claims("customer", uuid4()), 0), (Claims("loctician", AMINA), 0), (SERVICE_CLAIMS, 1)):
            assert await rows(database, claims, "salon") == 1
            async with transaction(database, claims) as session:
                done = await session.execute(text("UPDATE booking.salon SET horizon_days = 1 RETURNING 1"))
                assert len(done.all()) == changed

    async def test_every_table_of_personal_data_forces_its_policies(self, salon: date, database: Database) -> None:
        rows = await database.call(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'booking'::regnamespace"
                " AND relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
            )
        )
        names = {row[0] for row in rows}
        assert {*TABLES, "customers", "holds", "salon", "waitlist", "idempotency_keys", "locticians", "outbox"} <= names
        assert runtime_role("booking").endswith("_booking")


class TestApi:
    async def test_another_customer_finds_nothing(
        self, two: tuple[dict[str, Any], dict[str, Any]], client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        booking, headers = two[0], auth_headers("customer", uuid4())
        by_filter = await client.get(
            "/api/v1/bookings", params={"customer_id": booking["customer_id"]}, headers=headers
        )
        by_loctician = await client.get("/api/v1/bookings", params={"loctician_id": str(AMINA)}, headers=headers)
        assert by_filter.json()["items"] == by_loctician.json()["items"] == []
        for path in ("", "/history"):
            answer = await client.get(f"/api/v1/bookings/{booking['id']}{path}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await client.post(f"/api/v1/bookings/{booking['id']}/cancel", headers=headers)).status_code == 404

    async def test_a_cursor_of_another_caller_shows_nothing_more(
        self, two: tuple[dict[str, Any], dict[str, Any]], client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        page = await client.get("/api/v1/bookings", params={"limit": "1"}, headers=auth_headers("staff"))
        cursor = page.json()["next_cursor"]
        answer = await client.get(
            "/api/v1/bookings", params={"cursor": cursor}, headers=auth_headers("customer", uuid4())
        )
        assert answer.json()["items"] == []

    async def test_the_other_loctician_cannot_cancel(
        self, two: tuple[dict[str, Any], dict[str, Any]], client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        path = f"/api/v1/bookings/{two[0]['id']}/cancel"
        assert (await client.post(path, headers=auth_headers("loctician", JONAS))).status_code == 404
        assert (await client.post(path, headers=auth_headers("loctician", AMINA))).status_code == 200

    async def test_a_key_of_another_caller_does_not_give_their_answer(
        self, two: tuple[dict[str, Any], dict[str, Any]]
    ) -> None:
        assert two[0]["id"] != two[1]["id"]
