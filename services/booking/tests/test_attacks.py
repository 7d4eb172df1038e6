"""What somebody with a token of their own might try on bookings that aren't theirs, and on their own."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.booking.tests.conftest import AMINA, JONAS, Book, Caller, SignIn, asking, at, code


@pytest.fixture
def victim(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
def thief(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
async def booked(book: Book, victim: Caller, salon: date) -> dict[str, Any]:
    return dict((await book(at(salon, "10:00"), customer=victim.id, notes="Ømt hår", key="mine")).json())


class TestOthers:
    @pytest.mark.parametrize("verb", ["cancel", "confirm", "complete", "no-show"])
    async def test_nothing_is_done_to_another_s_booking(
        self, booked: dict[str, Any], thief: Caller, victim: Caller, sign_in: SignIn, verb: str
    ) -> None:
        path = f"/bookings/{booked['id']}/{verb}"
        assert (await thief.post(path)).status_code in {403, 404}
        assert (await sign_in("loctician", JONAS).post(path)).status_code == 404
        assert (await victim.get(f"/bookings/{booked['id']}")).json() == booked

    async def test_another_s_booking_is_not_changed_even_with_its_version(
        self, booked: dict[str, Any], thief: Caller, victim: Caller, salon: date
    ) -> None:
        for body in ({"notes": "x"}, {"start": at(salon, "13:00").isoformat()}, {"loctician_id": str(JONAS)}):
            assert code(await thief.put(f"/bookings/{booked['id']}", body, 1)) == (404, "not_found")
        assert (await victim.get(f"/bookings/{booked['id']}")).json() == booked

    async def test_a_key_of_another_gives_no_answer_of_theirs(
        self, booked: dict[str, Any], thief: Caller, salon: date
    ) -> None:
        body = asking(at(salon, "10:00"), notes="Ømt hår")
        answer = await thief.post("/bookings", body, Idempotency_Key="mine")
        assert code(answer) == (409, "slot_taken")
        assert booked["id"] not in answer.text

    async def test_a_refusal_tells_nothing_of_who_is_in_the_way(
        self, booked: dict[str, Any], thief: Caller, salon: date
    ) -> None:
        answer = await thief.post("/bookings", asking(at(salon, "10:00")))
        for secret in (booked["id"], booked["customer_id"], "Ømt"):
            assert secret not in answer.text

    async def test_no_call_books_for_another_customer(
        self, booked: dict[str, Any], victim: Caller, thief: Caller, salon: date
    ) -> None:
        for_them = {"customer_id": str(victim.id)}
        body = asking(at(salon, "13:00")) | for_them
        calls: dict[str, dict[str, Any]] = {
            "/bookings": body,
            "/bookings/holds": body,
            "/bookings/series": body | {"every_weeks": 1, "times": 2},
            "/waitlist": {
                "service_ids": body["service_ids"], "first_day": salon.isoformat(), "last_day": salon.isoformat(),
            } | for_them,
        }  # fmt: skip
        for path, asked in calls.items():
            assert code(await thief.post(path, asked)) == (403, "not_for_others"), path

    async def test_a_loctician_books_holds_and_waits_in_no_other_chair(self, sign_in: SignIn, salon: date) -> None:
        jonas = sign_in("loctician", JONAS)
        body = asking(at(salon, "13:00"), loctician=AMINA)
        for path, more in (
            ("/bookings", {}),
            ("/bookings/holds", {}),
            ("/bookings/series", {"every_weeks": 1, "times": 2}),
        ):
            assert code(await jonas.post(path, body | more)) == (403, "not_for_others"), path


class TestMassAssignment:
    @pytest.mark.parametrize(
        "more",
        [
            {"price": {"amount": 1, "currency": "DKK"}}, {"price_amount": 1}, {"status": "completed"}, {"version": 9},
            {"id": str(uuid4())}, {"created_at": "2020-01-01T00:00:00Z"}, {"loctician_ids": [str(JONAS)]},
            {"conflicted": True}, {"series_id": str(uuid4())}, {"require_verified": False}, {"key": "x"},
        ],
    )  # fmt: skip
    async def test_no_body_assigns_what_the_service_decides(
        self, booked: dict[str, Any], victim: Caller, salon: date, more: dict[str, Any]
    ) -> None:
        created = await victim.post("/bookings", asking(at(salon, "13:00")) | more)
        changed = await victim.put(f"/bookings/{booked['id']}", {"notes": "x"} | more, 1)
        assert [code(created), code(changed)] == [(422, "invalid_input")] * 2

    async def test_a_change_names_no_other_customer(self, booked: dict[str, Any], victim: Caller) -> None:
        body = {"notes": "x", "customer_id": str(uuid4())}
        assert code(await victim.put(f"/bookings/{booked['id']}", body, 1)) == (422, "invalid_input")


class TestAtOnce:
    async def run(self, call: Callable[[], Awaitable[Any]], times: int = 12) -> Counter[int]:
        return Counter(one.status_code for one in await asyncio.gather(*(call() for _ in range(times))))

    async def test_of_many_cancelling_one_does(self, booked: dict[str, Any], victim: Caller) -> None:
        counted = await self.run(lambda: victim.post(f"/bookings/{booked['id']}/cancel"))
        assert counted == {200: 1, 409: 11}

    async def test_of_many_changing_what_they_saw_one_does(
        self, booked: dict[str, Any], victim: Caller, salon: date
    ) -> None:
        wishes = iter([at(salon, clock).isoformat() for clock in ("12:00", "13:00", "14:00")] * 4)
        counted = await self.run(lambda: victim.put(f"/bookings/{booked['id']}", {"start": next(wishes)}, 1))
        assert counted == {200: 1, 412: 11}

    async def test_swapping_and_cancelling_at_once_deadlocks_nobody(
        self, book: Book, sign_in: SignIn, salon: date
    ) -> None:
        people = [sign_in() for _ in range(8)]
        clocks = ["09:00", "11:00", "13:00", "15:00"] * 2
        chairs = [AMINA] * 4 + [JONAS] * 4
        made = [
            (await book(at(salon, clock), customer=who.id, loctician=chair)).json()
            for who, clock, chair in zip(people, clocks, chairs, strict=True)
        ]
        calls = []
        for who, one, chair in zip(people, made, chairs, strict=True):
            other = JONAS if chair == AMINA else AMINA
            calls.append(who.put(f"/bookings/{one['id']}", {"loctician_id": str(other)}, 1))
            calls.append(
                who.put(f"/bookings/{one['id']}", {"loctician_id": None, "start": at(salon, "10:00").isoformat()}, 1)
            )
            calls.append(who.post(f"/bookings/{one['id']}/cancel"))
        counted = Counter(one.status_code for one in await asyncio.gather(*calls))
        assert set(counted) <= {200, 409, 412}
        assert counted[200] >= 8


class TestKeys:
    async def test_are_bound_to_the_call(self, victim: Caller, salon: date) -> None:
        body = asking(at(salon, "13:00"))
        assert (await victim.post("/bookings/holds", body, Idempotency_Key="k")).status_code == 201
        assert code(await victim.post("/bookings", body, Idempotency_Key="k")) == (422, "idempotency_key_reused")

    async def test_serve_again_after_a_day_whether_or_not_the_job_came(
        self, book: Book, victim: Caller, salon: date, set_clock: Any
    ) -> None:
        made = (await book(at(salon, "13:00"), customer=victim.id, key="k")).json()
        await set_clock(at(salon, "12:00").replace(hour=0))
        again = await book(at(salon, "15:00"), customer=victim.id, key="k")
        assert (again.status_code, again.json()["id"] == made["id"]) == (201, False)
