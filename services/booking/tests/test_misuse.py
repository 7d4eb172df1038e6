"""What a signed-in user might try on the bookings of others, and on their own."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.booking.tests.conftest import AMINA, JONAS, Book, Caller, SignIn, at, booking_body, code


@pytest.fixture
def owner_of_booking(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
def intruder(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
async def booked(book: Book, owner_of_booking: Caller, salon: date) -> dict[str, Any]:
    return dict((await book(at(salon, "10:00"), customer=owner_of_booking.id, notes="Ømt hår", key="mine")).json())


class TestOtherPeoplesBookings:
    @pytest.mark.parametrize("verb", ["cancel", "confirm", "complete", "no-show"])
    async def test_bookings_of_others_cannot_be_used(
        self, booked: dict[str, Any], intruder: Caller, owner_of_booking: Caller, sign_in: SignIn, verb: str
    ) -> None:
        path = f"/bookings/{booked['id']}/{verb}"
        assert (await intruder.post(path)).status_code in {403, 404}
        assert (await sign_in("loctician", JONAS).post(path)).status_code == 404
        assert (await owner_of_booking.get(f"/bookings/{booked['id']}")).json() == booked

    async def test_bookings_of_others_cannot_be_changed_even_with_the_version(
        self, booked: dict[str, Any], intruder: Caller, owner_of_booking: Caller, salon: date
    ) -> None:
        for body in ({"notes": "x"}, {"start": at(salon, "13:00").isoformat()}, {"loctician_id": str(JONAS)}):
            assert code(await intruder.put(f"/bookings/{booked['id']}", body, 1)) == (404, "not_found")
        assert (await owner_of_booking.get(f"/bookings/{booked['id']}")).json() == booked

    async def test_an_idempotency_key_of_another_caller_gives_no_answer(
        self, booked: dict[str, Any], intruder: Caller, salon: date
    ) -> None:
        body = booking_body(at(salon, "10:00"), notes="Ømt hår")
        answer = await intruder.post("/bookings", body, Idempotency_Key="mine")
        assert code(answer) == (409, "slot_taken")
        assert booked["id"] not in answer.text

    async def test_an_error_says_nothing_about_the_other_customer(
        self, booked: dict[str, Any], intruder: Caller, salon: date
    ) -> None:
        answer = await intruder.post("/bookings", booking_body(at(salon, "10:00")))
        for secret in (booked["id"], booked["customer_id"], "Ømt"):
            assert secret not in answer.text

    async def test_customers_cannot_book_for_others(
        self, booked: dict[str, Any], owner_of_booking: Caller, intruder: Caller, salon: date
    ) -> None:
        for_them = {"customer_id": str(owner_of_booking.id)}
        body = booking_body(at(salon, "13:00")) | for_them
        calls: dict[str, dict[str, Any]] = {
            "/bookings": body,
            "/bookings/holds": body,
            "/bookings/series": body | {"every_weeks": 1, "times": 2},
            "/waitlist": {
                "service_ids": body["service_ids"], "from": salon.isoformat(), "to": salon.isoformat(),
            } | for_them,
        }  # fmt: skip
        for path, body in calls.items():
            assert code(await intruder.post(path, body)) == (403, "not_for_others"), path

    async def test_locticians_cannot_book_hold_or_wait_with_another_loctician(
        self, sign_in: SignIn, salon: date
    ) -> None:
        jonas = sign_in("loctician", JONAS)
        body = booking_body(at(salon, "13:00"), loctician=AMINA)
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
    async def test_fields_that_the_service_decides_change_nothing(
        self, booked: dict[str, Any], owner_of_booking: Caller, salon: date, more: dict[str, Any]
    ) -> None:
        created = await owner_of_booking.post("/bookings", booking_body(at(salon, "13:00")) | more)
        assert code(created) == (422, "invalid_input")
        changed = await owner_of_booking.put(f"/bookings/{booked['id']}", {"notes": "x"} | more, 1)
        if more.keys() <= booked.keys():  # what GET shows can be sent back, and is ignored
            kept = {name: value for name, value in booked.items() if name not in {"notes", "version", "updated_at"}}
            assert changed.json() == changed.json() | kept
            assert (changed.json()["version"], changed.json()["notes"]) == (2, "x")
        else:
            assert code(changed) == (422, "invalid_input")

    async def test_a_change_cannot_set_another_customer(self, booked: dict[str, Any], owner_of_booking: Caller) -> None:
        body = {"notes": "x", "customer_id": str(uuid4())}
        changed = await owner_of_booking.put(f"/bookings/{booked['id']}", body, 1)
        assert changed.json()["customer_id"] == booked["customer_id"]


class TestConcurrentCalls:
    async def run(self, call: Callable[[], Awaitable[Any]], times: int = 12) -> Counter[int]:
        return Counter(item.status_code for item in await asyncio.gather(*(call() for _ in range(times))))

    async def test_only_one_of_many_cancellations_succeeds(
        self, booked: dict[str, Any], owner_of_booking: Caller
    ) -> None:
        counted = await self.run(lambda: owner_of_booking.post(f"/bookings/{booked['id']}/cancel"))
        assert counted == {200: 1, 409: 11}

    async def test_only_one_of_many_changes_of_the_same_version_succeeds(
        self, booked: dict[str, Any], owner_of_booking: Caller, salon: date
    ) -> None:
        wishes = iter([at(salon, clock).isoformat() for clock in ("12:00", "13:00", "14:00")] * 4)
        counted = await self.run(lambda: owner_of_booking.put(f"/bookings/{booked['id']}", {"start": next(wishes)}, 1))
        assert counted == {200: 1, 412: 11}

    async def test_swapping_and_cancelling_at_the_same_time_does_not_fail(
        self, book: Book, sign_in: SignIn, salon: date
    ) -> None:
        people = [sign_in() for _ in range(8)]
        clocks = ["09:00", "11:00", "13:00", "15:00"] * 2
        locticians = [AMINA] * 4 + [JONAS] * 4
        bookings = [
            (await book(at(salon, clock), customer=person.id, loctician=loctician)).json()
            for person, clock, loctician in zip(people, clocks, locticians, strict=True)
        ]
        calls = []
        for person, booking, loctician in zip(people, bookings, locticians, strict=True):
            other = JONAS if loctician == AMINA else AMINA
            calls.append(person.put(f"/bookings/{booking['id']}", {"loctician_id": str(other)}, 1))
            calls.append(
                person.put(
                    f"/bookings/{booking['id']}", {"loctician_id": None, "start": at(salon, "10:00").isoformat()}, 1
                )
            )
            calls.append(person.post(f"/bookings/{booking['id']}/cancel"))
        counted = Counter(item.status_code for item in await asyncio.gather(*calls))
        assert set(counted) <= {200, 409, 412}
        assert counted[200] >= 8


class TestIdempotencyKeys:
    async def test_are_bound_to_the_operation(self, owner_of_booking: Caller, salon: date) -> None:
        body = booking_body(at(salon, "13:00"))
        assert (await owner_of_booking.post("/bookings/holds", body, Idempotency_Key="k")).status_code == 201
        assert code(await owner_of_booking.post("/bookings", body, Idempotency_Key="k")) == (
            422,
            "idempotency_key_reused",
        )

    async def test_can_be_used_again_after_a_day_even_if_the_job_did_not_run(
        self, book: Book, owner_of_booking: Caller, salon: date, set_clock: Any
    ) -> None:
        first = (await book(at(salon, "13:00"), customer=owner_of_booking.id, key="k")).json()
        await set_clock(at(salon, "12:00").replace(hour=0))
        again = await book(at(salon, "15:00"), customer=owner_of_booking.id, key="k")
        assert (again.status_code, again.json()["id"] == first["id"]) == (201, False)
