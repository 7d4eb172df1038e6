"""Holds: how long they last, who can use them, and how they end."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.booking.holds import service as holds
from services.booking.sql_calls import RETRIES
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
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
from services.booking.tests.test_slots import clocks, search
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS


async def hold(caller: Caller, start: datetime, *services: UUID, **more: Any) -> httpx.Response:
    return await caller.post("/bookings/holds", booking_body(start, *services, **more))


def deadlocks() -> float:
    return float(RETRIES.labels("40P01")._value.get())


async def end_expired_holds(database: Database) -> None:
    more = True
    while more:
        async with transaction(database, SERVICE_CLAIMS) as session:
            more = await holds.end_expired(session)


class TestHolding:
    async def test_keeps_a_time_for_fifteen_minutes(
        self, customer: Caller, client: httpx.AsyncClient, book: Book, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "07:00"))
        held = await hold(customer, at(salon, "10:00"))
        body = held.json()
        assert (held.status_code, held.headers["Location"]) == (201, f"/api/v1/bookings/holds/{body['id']}")
        assert body["expires_at"] == at(salon, "07:15").isoformat()
        assert body["price"]["amount"] == 64900
        assert code(await book(at(salon, "10:00"))) == (409, "slot_taken")
        free = clocks((await search(client, salon, loctician_id=str(AMINA))).json()["items"])
        assert "10:00" not in free
        assert "11:45" in free

    async def test_becomes_the_booking(self, customer: Caller, salon: date, database: Database) -> None:
        held = (await hold(customer, at(salon, "10:00"))).json()
        booked = await customer.post("/bookings", booking_body(at(salon, "10:00"), hold_id=held["id"]))
        assert booked.status_code == 201
        async with transaction(database, SERVICE_CLAIMS) as session:
            left = await session.execute(
                text("SELECT (SELECT count(*) FROM booking.holds), count(*) FROM booking.occupancy")
            )
            assert tuple(left.one()) == (0, 1)
        again = await customer.post("/bookings", booking_body(at(salon, "10:00"), hold_id=held["id"]))
        assert code(again) == (409, "hold_lapsed")

    async def test_with_any_loctician_stays_with_the_one_chosen(
        self, customer: Caller, book: Book, salon: date
    ) -> None:
        held = (await hold(customer, at(salon, "10:00"), loctician=None)).json()
        await book(at(salon, "15:00"), loctician=UUID(held["loctician_id"]))
        body = booking_body(at(salon, "10:00"), loctician=None, hold_id=held["id"])
        booked = (await customer.post("/bookings", body)).json()
        assert booked["items"][0]["loctician_id"] == held["loctician_id"]

    async def test_a_new_one_ends_the_old_one(self, customer: Caller, book: Book, salon: date) -> None:
        await hold(customer, at(salon, "10:00"))
        assert (await hold(customer, at(salon, "10:15"))).status_code == 201
        assert (await book(at(salon, "13:00"))).status_code == 201
        assert (await hold(customer, at(salon, "15:00"))).status_code == 201
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_blocks_nothing_after_it_expired_even_if_the_job_is_late(
        self, customer: Caller, client: httpx.AsyncClient, book: Book, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "07:00"))
        held = (await hold(customer, at(salon, "10:00"))).json()
        await set_clock(at(salon, "07:15"))
        assert "10:00" in clocks((await search(client, salon, loctician_id=str(AMINA))).json()["items"])
        late = await customer.post("/bookings", booking_body(at(salon, "10:00"), hold_id=held["id"]))
        assert code(late) == (409, "hold_lapsed")
        assert late.json()["alternatives"][0]["start"] == at(salon, "10:00").isoformat()
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_an_expired_one_is_replaced_by_the_next_hold(
        self, customer: Caller, sign_in: SignIn, salon: date, set_clock: SetClock, database: Database
    ) -> None:
        await set_clock(at(salon, "07:00"))
        await hold(customer, at(salon, "10:00"))
        await set_clock(at(salon, "07:16"))
        other = (await hold(sign_in(), at(salon, "10:15"))).json()
        await end_expired_holds(database)
        assert code(await hold(customer, at(salon, "10:00"))) == (409, "slot_taken")
        assert other["start"] == at(salon, "10:15").isoformat()

    async def test_can_be_released(self, customer: Caller, book: Book, salon: date) -> None:
        held = (await hold(customer, at(salon, "10:00"))).json()
        assert (await customer.delete(f"/bookings/holds/{held['id']}")).status_code == 204
        assert code(await customer.delete(f"/bookings/holds/{held['id']}")) == (404, "not_found")
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_does_not_block_its_own_customer(self, customer: Caller, book: Book, salon: date) -> None:
        await hold(customer, at(salon, "10:00"))
        assert (await book(at(salon, "10:15"), customer=customer.id)).status_code == 201

    async def test_by_staff_can_be_used_for_any_customer(self, sign_in: SignIn, salon: date, deliver: Any) -> None:
        person = uuid4()
        await deliver("user.registered.v1", user_state(person), version=1)
        staff = sign_in("staff")
        held = (await hold(staff, at(salon, "10:00"))).json()
        body = booking_body(at(salon, "10:00"), hold_id=held["id"], customer_id=str(person))
        assert (await staff.post("/bookings", body)).json()["customer_id"] == str(person)

    async def test_the_same_key_gives_the_first_answer_again(self, customer: Caller, salon: date) -> None:
        body = booking_body(at(salon, "10:00"))
        first, second = [await customer.post("/bookings/holds", body, Idempotency_Key="h-1") for _ in range(2)]
        assert first.json() == second.json()
        other = await customer.post("/bookings", body, Idempotency_Key="h-1")
        assert code(other) == (422, "idempotency_key_reused")


class TestMisuse:
    async def test_holds_of_others_cannot_be_used_or_ended(
        self, customer: Caller, sign_in: SignIn, salon: date
    ) -> None:
        held = (await hold(customer, at(salon, "10:00"))).json()
        intruder = sign_in()
        stolen = await intruder.post("/bookings", booking_body(at(salon, "10:00"), hold_id=held["id"]))
        assert code(stolen) == (409, "hold_lapsed")
        assert code(await intruder.delete(f"/bookings/holds/{held['id']}")) == (404, "not_found")
        assert code(await hold(intruder, at(salon, "11:00"), customer_id=str(customer.id))) == (403, "not_for_others")

    async def test_a_hold_can_only_be_used_for_what_was_held(self, customer: Caller, salon: date) -> None:
        held = (await hold(customer, at(salon, "10:00"))).json()
        for body in (
            booking_body(at(salon, "13:00")),
            booking_body(at(salon, "10:00"), STYLING),
            booking_body(at(salon, "10:00"), loctician=JONAS),
        ):
            refused = await customer.post("/bookings", body | {"hold_id": held["id"]})
            assert code(refused) == (422, "hold_mismatch")
        assert (
            await customer.post("/bookings", booking_body(at(salon, "10:00"), hold_id=held["id"]))
        ).status_code == 201

    async def test_a_customer_has_only_one_hold_after_concurrent_requests(
        self, customer: Caller, salon: date, database: Database
    ) -> None:
        before = deadlocks()
        starts = [at(salon, clock) for clock in ("09:00", "11:00", "13:00", "15:00")] * 5
        answers = await asyncio.gather(*(hold(customer, start) for start in starts))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert deadlocks() == before
        async with transaction(database, SERVICE_CLAIMS) as session:
            statement = (
                "SELECT (SELECT count(*) FROM booking.holds), (SELECT count(*) FROM booking.occupancy WHERE active)"
            )
            assert tuple((await session.execute(text(statement))).one()) == (1, 1)

    async def test_concurrent_holds_releases_and_bookings_do_not_fail(self, customer: Caller, salon: date) -> None:
        before = deadlocks()
        held = (await hold(customer, at(salon, "10:00"))).json()
        body = booking_body(at(salon, "10:00"))
        others = [at(salon, clock) for clock in ("11:45", "13:30", "15:15")]
        answers = await asyncio.gather(
            customer.post("/bookings", body | {"hold_id": held["id"]}),
            customer.delete(f"/bookings/holds/{held['id']}"),
            *(hold(customer, start) for start in others * 6),
        )
        assert {answer.status_code for answer in answers} <= {201, 204, 404, 409}
        assert deadlocks() == before

    async def test_a_hold_used_twice_at_the_same_time_gives_one_booking(self, customer: Caller, salon: date) -> None:
        held = (await hold(customer, at(salon, "10:00"))).json()
        body = booking_body(at(salon, "10:00"), hold_id=held["id"])
        answers = await asyncio.gather(*(customer.post("/bookings", body) for _ in range(10)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}

    async def test_other_fields_are_refused(self, customer: Caller, salon: date) -> None:
        for more in ({"expires_at": at(salon, "23:00").isoformat()}, {"price_amount": 1}, {"id": str(uuid4())}):
            assert code(await hold(customer, at(salon, "10:00"), **more)) == (422, "invalid_input")

    @pytest.mark.parametrize("path", ["x", "01936d5e-8d3e-7000-8000-000000000001"])
    async def test_an_unknown_hold_is_not_found(self, customer: Caller, path: str) -> None:
        assert (await customer.delete(f"/bookings/holds/{path}")).status_code in {404, 422}


async def test_expired_holds_are_ended_by_one_replica_and_no_others(
    sign_in: SignIn, salon: date, set_clock: SetClock, database: Database
) -> None:
    await set_clock(at(salon, "07:00"))
    await hold(sign_in(), at(salon, "10:00"))
    await set_clock(at(salon, "07:00") + timedelta(minutes=14))
    await hold(sign_in(), at(salon, "13:00"))
    await set_clock(at(salon, "07:00") + timedelta(minutes=16))
    await asyncio.gather(*(end_expired_holds(database) for _ in range(3)))
    async with transaction(database, SERVICE_CLAIMS) as session:
        left = (await session.execute(text("SELECT starts_at FROM booking.holds"))).scalars().all()
    assert left == [at(salon, "13:00")]
