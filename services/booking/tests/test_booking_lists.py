"""Lists of bookings: order, pages in both orders, search and counts."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.tests.conftest import (
    AMINA,
    JONAS,
    STYLING,
    Caller,
    OpenOn,
    SignIn,
    at,
    booking_body,
    code,
    user_state,
)
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.testing.types import Deliver

Booked = Callable[..., Awaitable[dict[str, Any]]]
CLOCKS = ("09:00", "10:00", "11:00", "12:00", "13:00")
MANY = text("""
    INSERT INTO booking.customer_search (customer_id, words, address)
    SELECT gen_random_uuid(), 'person ' || i || E'\n+4530' || lpad(i::text, 6, '0'), 'p' || i || '@example.dk'
    FROM generate_series(1, 20000) i
""")


@pytest.fixture
def booked(sign_in: SignIn, deliver: Deliver, salon: date) -> Booked:
    """Books for a new customer with this name. Returns the booking."""

    async def book(clock: str, name: str, phone: str, email: str, *, loctician: Any = AMINA) -> dict[str, Any]:
        customer = sign_in()
        person = user_state(customer.id, full_name=name, phone=phone, email=email)
        await deliver("user.registered.v1", person, version=1)
        services = () if loctician == JONAS else (STYLING,)
        body = booking_body(at(salon, clock), *services, loctician=loctician)
        booking: dict[str, Any] = (await customer.post("/bookings", body)).json()
        return booking

    return book


async def pages(caller: Caller, **params: str) -> list[list[str]]:
    """The starts of every page, as clock times."""
    found: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = (await caller.get("/bookings", limit="2", **params, **cursor)).json()
        found.append([item["start"][11:16] for item in answer["items"]])
        if answer["next_cursor"] is None:
            return found
        cursor = {"cursor": answer["next_cursor"]}


class TestOrder:
    async def test_pages_hold_everything_once_in_both_orders(
        self, customer: Caller, sign_in: SignIn, salon: date
    ) -> None:
        for clock in CLOCKS:
            await customer.post("/bookings", booking_body(at(salon, clock), STYLING))
        for caller in (customer, sign_in("loctician", AMINA), sign_in("staff")):
            assert await pages(caller) == [["09:00", "10:00"], ["11:00", "12:00"], ["13:00"]]
            assert await pages(caller, sort="-start") == [["13:00", "12:00"], ["11:00", "10:00"], ["09:00"]]

    async def test_two_bookings_at_the_same_time_are_neither_lost_nor_repeated(
        self, booked: Booked, staff: Caller
    ) -> None:
        for loctician in (AMINA, JONAS):
            await booked("10:00", "A", "+4520123456", "a@example.dk", loctician=loctician)
        await booked("12:00", "A", "+4520123456", "a@example.dk")
        for sort in ("start", "-start"):
            first = (await staff.get("/bookings", limit="1", sort=sort)).json()
            ids = [first["items"][0]["id"]]
            while first["next_cursor"]:
                first = (await staff.get("/bookings", limit="1", sort=sort, cursor=first["next_cursor"])).json()
                ids.append(first["items"][0]["id"])
            assert (len(ids), len(set(ids))) == (3, 3)

    async def test_a_cursor_of_the_other_order_is_refused(self, customer: Caller, salon: date) -> None:
        for clock in CLOCKS:
            await customer.post("/bookings", booking_body(at(salon, clock), STYLING))
        for sort, other in (("start", "-start"), ("-start", "start")):
            cursor = (await customer.get("/bookings", limit="2", sort=sort)).json()["next_cursor"]
            assert (await customer.get("/bookings", sort=other, cursor=cursor)).json()["code"] == "invalid_cursor"

    async def test_an_unknown_order_is_refused(self, customer: Caller) -> None:
        assert (await customer.get("/bookings", sort="name")).status_code == 422

    async def test_several_statuses_are_one_list(self, customer: Caller, salon: date) -> None:
        first = (await customer.post("/bookings", booking_body(at(salon, "09:00"), STYLING))).json()
        await customer.post("/bookings", booking_body(at(salon, "10:00"), STYLING))
        await customer.post(f"/bookings/{first['id']}/cancel")
        params: Any = {"status": ["confirmed", "cancelled"]}
        assert len((await customer.get("/bookings", **params)).json()["items"]) == 2
        assert len((await customer.get("/bookings", status="cancelled")).json()["items"]) == 1


class TestCount:
    async def test_is_of_all_pages_and_only_when_asked_for(
        self, booked: Booked, staff: Caller, sign_in: SignIn
    ) -> None:
        for clock in CLOCKS:
            await booked(clock, "A", "+4520123456", "a@example.dk")
        answer = (await staff.get("/bookings", limit="2", count="true")).json()
        assert (len(answer["items"]), answer["count"]) == (2, 5)
        second = (await staff.get("/bookings", limit="2", count="true", cursor=answer["next_cursor"])).json()
        assert second["count"] == 5
        assert "count" not in (await staff.get("/bookings")).json()
        amina, jonas = sign_in("loctician", AMINA), sign_in("loctician", JONAS)
        assert (await amina.get("/bookings", count="true")).json()["count"] == 5
        assert (await jonas.get("/bookings", count="true")).json()["count"] == 0
        assert (await jonas.get("/bookings", count="true", loctician_id=str(AMINA))).json()["count"] == 0


class TestSearch:
    @pytest.fixture
    async def two(self, booked: Booked) -> tuple[str, str]:
        """With Amina and with Jonas."""
        freja = await booked("10:00", "Freja Ærø Nørgaard", "+4520123456", "freja@example.dk")
        ole = await booked("10:00", "Ole André", "+491711234567", "ole_holm@example.com", loctician=JONAS)
        return freja["id"], ole["id"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            *((query, "freja") for query in ("freja", "NØRGAARD freja", "aero", "20 12 34 56", "+45 20123456", "eja@")),
            *((query, "ole") for query in ("andre", "ole_holm@example.com", "0171 1234567")),
            *((query, None) for query in ("freja ole", "%%", "20 12 34 57", "' OR 1=1 --")),
        ],
    )
    async def test_finds_by_name_phone_and_address(
        self, two: tuple[str, str], staff: Caller, query: str, found: str | None
    ) -> None:
        items = (await staff.get("/bookings", q=query)).json()["items"]
        expected = {"freja": [two[0]], "ole": [two[1]], None: []}[found]
        assert [item["id"] for item in items] == expected

    async def test_finds_by_the_beginning_of_the_id(self, two: tuple[str, str], staff: Caller) -> None:
        for beginning in (two[0], two[0][:-1], two[0].replace("-", "")[:31].upper()):
            assert two[0] in [item["id"] for item in (await staff.get("/bookings", q=beginning)).json()["items"]]
        assert (await staff.get("/bookings", q=f"ffff{two[0][4:]}")).json()["items"] == []

    async def test_a_loctician_finds_the_own_chair_and_not_by_address(
        self, two: tuple[str, str], sign_in: SignIn
    ) -> None:
        amina = sign_in("loctician", AMINA)
        for query, found in (("freja nørgaard", 1), ("20123456", 1), ("ole", 0), ("freja@example.dk", 0)):
            assert len((await amina.get("/bookings", q=query)).json()["items"]) == found, query
        assert (await amina.get("/bookings", q=two[1])).json()["items"] == []

    async def test_a_customer_does_not_search(self, two: tuple[str, str], customer: Caller) -> None:
        assert code(await customer.get("/bookings", q="freja")) == (403, "not_for_others")

    async def test_goes_together_with_other_conditions(
        self, two: tuple[str, str], staff: Caller, salon: date, open_on: OpenOn
    ) -> None:
        tomorrow = at(salon + timedelta(days=1), "00:00").isoformat()
        assert (await staff.get("/bookings", q="freja", **{"from": tomorrow})).json()["items"] == []
        found = (await staff.get("/bookings", q="freja", to=tomorrow, sort="-start", count="true")).json()
        assert (found["items"][0]["id"], found["count"]) == (two[0], 1)

    async def test_the_searched_texts_are_out_of_reach_of_every_role(
        self, two: tuple[str, str], database: Database
    ) -> None:
        for role in ("customer", "loctician", "staff", "service"):
            async with transaction(database, Claims(role, uuid4())) as session:
                read = "SELECT has_table_privilege('booking.customer_search', 'SELECT')"
                assert (await session.execute(text(read))).scalar_one() is False
        found = text("SELECT count(*) FROM booking.search_customers(ARRAY['freja'])")
        for role, count in (("customer", 0), ("root", 0), ("loctician", 1), ("staff", 1)):
            async with transaction(database, Claims(role, uuid4())) as session:
                assert (await session.execute(found)).scalar_one() == count, role

    async def test_uses_an_index(self, two: tuple[str, str], database: Database, owner: AsyncEngine) -> None:
        async with owner.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(MANY)
            await connection.execute(text("VACUUM ANALYZE booking.customer_search"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            found = text("SELECT count(*) FROM booking.search_customers(ARRAY['person', '1234'])")
            assert (await session.execute(found)).scalar_one() > 0
            read = text("SELECT pg_stat_get_xact_tuples_returned('booking.customer_search'::regclass)")
            assert (await session.execute(read)).scalar_one() == 0  # rows of sequential scans
