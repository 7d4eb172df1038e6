"""What does not stand in the way: one's own hold, and the own time of a booking that is to be moved."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    Caller,
    SetClock,
    SignIn,
    at,
    booking_body,
    code,
    user_state,
)
from services.booking.tests.test_shared_sittings import add_repair
from services.booking.tests.test_slots import clocks
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver


@pytest.fixture
async def booked(book: Book, customer: Caller, salon: date) -> dict[str, Any]:
    return dict((await book(at(salon, "10:00"), customer=customer.id)).json())


async def hold(caller: Caller, start: datetime, *services: UUID, **more: Any) -> httpx.Response:
    answer = await caller.post("/bookings/holds", booking_body(start, *services, **more))
    assert answer.status_code == 201, answer.text
    return answer


async def holds(database: Database) -> int:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return int((await session.execute(text("SELECT count(*) FROM booking.holds"))).scalar_one())


async def is_freed_from(database: Database, start: datetime) -> bool:
    """Whether time from then on is to be offered to the waitlist."""
    statement = text("SELECT EXISTS (SELECT FROM booking.freed_times WHERE lower(times) = :start)")
    async with transaction(database, SERVICE_CLAIMS) as session:
        return bool((await session.execute(statement, {"start": start})).scalar_one())


async def search(caller: Caller, day: date, booking_id: str, **params: str) -> httpx.Response:
    period = {"from": at(day, "00:00").isoformat(), "to": at(day + timedelta(days=1), "00:00").isoformat()}
    return await caller.get("/slots", **period, booking_id=booking_id, **params)


class TestOwnHold:
    @pytest.mark.parametrize("start", ["13:00", "13:30", "12:15"])
    async def test_a_booking_moves_onto_it(
        self, booked: dict[str, Any], customer: Caller, salon: date, database: Database, start: str
    ) -> None:
        await hold(customer, at(salon, "13:00"))
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, start).isoformat()}, 1)
        assert (moved.status_code, moved.json()["start"]) == (200, at(salon, start).isoformat())
        assert await holds(database) == 0
        assert await is_freed_from(database, at(salon, "13:00"))

    async def test_stays_if_the_booking_moves_elsewhere(
        self, booked: dict[str, Any], customer: Caller, salon: date, database: Database
    ) -> None:
        await hold(customer, at(salon, "13:00"))
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "15:00").isoformat()}, 1)
        assert moved.status_code == 200
        assert await holds(database) == 1

    @pytest.mark.parametrize("held_for", ["staff", "customer"])
    async def test_of_staff_who_move_a_booking(
        self,
        booked: dict[str, Any],
        customer: Caller,
        salon: date,
        sign_in: SignIn,
        deliver: Deliver,
        database: Database,
        held_for: str,
    ) -> None:
        await deliver("user.registered.v1", user_state(customer.id), version=1)
        staff = sign_in("staff")
        await hold(staff, at(salon, "13:00"), **({"customer_id": str(customer.id)} if held_for == "customer" else {}))
        moved = await staff.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        assert moved.status_code == 200, moved.text
        assert await holds(database) == 0

    async def test_of_a_loctician_who_moves_a_booking(
        self, booked: dict[str, Any], salon: date, sign_in: SignIn, database: Database
    ) -> None:
        amina = sign_in("loctician", AMINA)
        await hold(amina, at(salon, "13:00"))
        moved = await amina.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:15").isoformat()}, 1)
        assert moved.status_code == 200, moved.text
        assert await holds(database) == 0

    async def test_of_staff_who_book_for_a_customer(
        self, salon: date, sign_in: SignIn, deliver: Deliver, database: Database
    ) -> None:
        person = uuid4()
        await deliver("user.registered.v1", user_state(person), version=1)
        staff = sign_in("staff")
        await hold(staff, at(salon, "13:00"))
        elsewhere = booking_body(at(salon, "09:00"), STYLING, customer_id=str(person))
        assert (await staff.post("/bookings", elsewhere)).status_code == 201
        assert await holds(database) == 1
        there = await staff.post("/bookings", booking_body(at(salon, "13:15"), customer_id=str(person)))
        assert there.status_code == 201, there.text
        assert await holds(database) == 0

    async def test_of_another_still_is_in_the_way(
        self, booked: dict[str, Any], customer: Caller, salon: date, sign_in: SignIn
    ) -> None:
        await hold(sign_in(), at(salon, "13:00"))
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        assert code(moved) == (409, "slot_taken")

    async def test_counts_neither_for_the_check_nor_for_alternatives(
        self, customer: Caller, salon: date, sign_in: SignIn
    ) -> None:
        await hold(customer, at(salon, "13:00"))
        body = booking_body(at(salon, "13:00"))
        assert (await customer.post("/bookings/check-availability", body)).json()["available"] is True
        assert (await sign_in().post("/bookings/check-availability", body)).json()["reason"] == "slot_taken"
        checked = await customer.post("/bookings/check-availability", body | {"start": at(salon, "13:05").isoformat()})
        assert (checked.json()["reason"], clocks(checked.json()["alternatives"])[0]) == ("off_grid", "13:00")

    async def test_of_a_shared_sitting_is_not_in_the_way(
        self, customer: Caller, salon: date, database: Database, book: Book
    ) -> None:
        await add_repair(database)
        repair = UUID(int=5)
        shared = (await book(at(salon, "09:00"), STYLING, repair, loctician=None, customer=customer.id)).json()
        await hold(customer, at(salon, "13:00"), STYLING, repair, loctician=None)
        moved = await customer.put(f"/bookings/{shared['id']}", {"start": at(salon, "13:30").isoformat()}, 1)
        assert (moved.status_code, len(moved.json()["items"])) == (200, 2)
        assert await holds(database) == 0


class TestBookingToMove:
    async def test_slots_leave_its_own_time_out_of_account(
        self, booked: dict[str, Any], customer: Caller, salon: date
    ) -> None:
        without = await search(customer, salon, booked["id"], loctician_id=str(AMINA))
        assert without.status_code == 200, without.text
        free = clocks(without.json()["items"])
        assert (free[0], free[-1], len(free)) == ("09:00", "15:30", 27)
        assert {item["service_ids"][0] for item in without.json()["items"]} == {str(RETWIST)}
        other = await search(customer, salon, booked["id"], loctician_id=str(AMINA), service_id=str(STYLING))
        assert clocks(other.json()["items"])[-1] == "16:00"
        for clock in ("10:15", "09:45", "11:30"):
            moved = await customer.put(
                f"/bookings/{booked['id']}", {"start": at(salon, clock).isoformat()}, If_Match="*"
            )
            assert moved.status_code == 200, clock

    async def test_the_check_leaves_its_own_time_out_of_account(
        self, booked: dict[str, Any], customer: Caller, salon: date, book: Book, sign_in: SignIn
    ) -> None:
        body = {"start": at(salon, "10:30").isoformat(), "loctician_id": str(AMINA), "booking_id": booked["id"]}
        for caller in (customer, sign_in("staff"), sign_in("loctician", AMINA)):
            assert (await caller.post("/bookings/check-availability", body)).json()["available"] is True
        with_jonas = body | {"loctician_id": str(JONAS)}  # the customer is with Amina then, but only for this booking
        assert (await customer.post("/bookings/check-availability", with_jonas)).json()["available"] is True
        await book(at(salon, "11:15"), STYLING, loctician=AMINA)
        taken = await customer.post("/bookings/check-availability", body | {"start": at(salon, "11:00").isoformat()})
        assert taken.json()["reason"] in {"slot_taken", None}

    async def test_the_check_still_sees_other_bookings(
        self, booked: dict[str, Any], customer: Caller, salon: date, book: Book
    ) -> None:
        await book(at(salon, "11:45"), STYLING, loctician=AMINA)
        await book(at(salon, "15:00"), RETWIST, loctician=JONAS, customer=customer.id)
        body = {"loctician_id": str(AMINA), "booking_id": booked["id"]}
        for clock, reason in (("10:15", "slot_taken"), ("14:45", "customer_overlap"), ("09:45", None)):
            start = at(salon, clock).isoformat()
            answer = (await customer.post("/bookings/check-availability", body | {"start": start})).json()
            assert answer["reason"] == reason, clock

    async def test_alternatives_of_a_refused_move_leave_it_out_too(
        self, booked: dict[str, Any], customer: Caller, salon: date, book: Book
    ) -> None:
        await book(at(salon, "11:45"), STYLING, loctician=AMINA)
        refused = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "10:15").isoformat()}, 1)
        assert code(refused) == (409, "slot_taken")
        assert clocks(refused.json()["alternatives"]) == ["10:00", "09:45", "09:30"]

    async def test_is_for_who_may_change_it(
        self, booked: dict[str, Any], client: httpx.AsyncClient, salon: date, sign_in: SignIn
    ) -> None:
        body = {"start": at(salon, "10:30").isoformat(), "booking_id": booked["id"]}
        for caller in (sign_in(), sign_in("loctician", JONAS)):
            assert code(await search(caller, salon, booked["id"])) == (404, "not_found")
            assert code(await caller.post("/bookings/check-availability", body)) == (404, "not_found")
        unknown = await search(sign_in("staff"), salon, str(uuid4()))
        assert code(unknown) == (404, "not_found")
        nobody = await client.get("/api/v1/slots", params={"booking_id": booked["id"]})
        assert code(nobody) == (401, "unauthorized")
        assert code(await client.post("/api/v1/bookings/check-availability", json=body)) == (401, "unauthorized")

    async def test_or_treatments_must_be_given(self, client: httpx.AsyncClient, salon: date) -> None:
        nothing = await client.get("/api/v1/slots")
        assert code(nothing) == (422, "invalid_input")
        assert nothing.json()["errors"][0]["pointer"] == "/query/service_id"
        body = {"start": at(salon, "10:30").isoformat()}
        assert code(await client.post("/api/v1/bookings/check-availability", json=body)) == (422, "invalid_input")

    async def test_for_the_salon_has_no_notice(
        self, booked: dict[str, Any], customer: Caller, salon: date, sign_in: SignIn, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "08:50"))
        mine = await search(customer, salon, booked["id"], loctician_id=str(AMINA))
        ours = await search(sign_in("loctician", AMINA), salon, booked["id"], loctician_id=str(AMINA))
        assert (clocks(mine.json()["items"])[0], clocks(ours.json()["items"])[0]) == ("10:00", "09:00")

    async def test_can_be_a_shared_sitting(self, customer: Caller, salon: date, database: Database, book: Book) -> None:
        await add_repair(database)
        shared = (await book(at(salon, "10:00"), STYLING, UUID(int=5), loctician=None, customer=customer.id)).json()
        items = (await search(customer, salon, shared["id"])).json()["items"]
        assert "10:15" in clocks(items)
        assert len(items[0]["items"]) == 2
        moved = await customer.put(f"/bookings/{shared['id']}", {"start": at(salon, "10:15").isoformat()}, 1)
        assert moved.status_code == 200, moved.text
