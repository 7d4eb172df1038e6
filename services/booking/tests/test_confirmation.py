"""Confirmation by hand: what makes a booking pending again, and what happens if nobody confirms it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking.bookings import service as bookings
from services.booking.bookings.queries import STATES
from services.booking.events import BookingCancelled, BookingRescheduled
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
    set_rules,
    user_state,
)
from services.booking.tests.test_shared_sittings import repair
from services.booking.tests.test_waitlist import offer_of, wait
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Outbox

__all__ = ["repair"]
RunJob = Callable[[], Awaitable[None]]


@pytest.fixture
async def confirmed(book: Book, customer: Caller, staff: Caller, sign_in: SignIn, salon: date) -> dict[str, Any]:
    """Amina's 10:00, confirmed by hand. Its version is 2."""
    await set_rules(sign_in, confirm_by_hand=True)
    booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
    answer: dict[str, Any] = (await staff.post(f"/bookings/{booked['id']}/confirm")).json()
    assert (answer["status"], answer["confirm_by"]) == ("confirmed", None)
    return answer


@pytest.fixture
def cancel_unconfirmed(database: Database) -> RunJob:
    async def run() -> None:
        more = True
        while more:
            async with transaction(database, SERVICE_CLAIMS) as session:
                more = await bookings.cancel_unconfirmed(session)

    return run


async def status_of(caller: Caller, booking: dict[str, Any]) -> str:
    return str((await caller.get(f"/bookings/{booking['id']}")).json()["status"])


class TestPendingAgain:
    @pytest.mark.parametrize(
        "change",
        [
            {"start": "13:00"},
            {"service_ids": [str(STYLING)]},
            {"loctician_id": str(JONAS)},
            {"start": "13:00", "notes": "Ømt hår"},
            {"service_ids": [str(STYLING)], "start": "13:00", "loctician_id": None},
        ],
    )
    async def test_after_the_customer_changed_what_was_confirmed(
        self, confirmed: dict[str, Any], customer: Caller, staff: Caller, salon: date, outbox: Outbox,
        change: dict[str, Any],
    ) -> None:  # fmt: skip
        path = f"/bookings/{confirmed['id']}"
        wish = change | ({"start": at(salon, change["start"]).isoformat()} if "start" in change else {})
        changed = (await customer.put(path, wish, 2)).json()
        assert (changed["status"], changed["version"]) == ("pending", 3)
        assert datetime.fromisoformat(changed["confirm_by"]) <= datetime.fromisoformat(changed["start"])
        event = (await outbox())[-1]
        assert event["type"] == "booking.rescheduled.v1"
        assert BookingRescheduled.model_validate(event["data"]).status == "pending"
        history = (await customer.get(f"{path}/history")).json()["items"]
        assert [item["status"] for item in history] == ["pending", "confirmed", "pending"]
        again = (await staff.post(f"{path}/confirm")).json()
        assert (again["status"], again["confirm_by"]) == ("confirmed", None)

    @pytest.mark.parametrize("role", ["staff", "admin", "loctician"])
    async def test_not_after_the_salon_changed_it(
        self, confirmed: dict[str, Any], sign_in: SignIn, salon: date, role: str
    ) -> None:
        caller = sign_in(role, AMINA if role == "loctician" else uuid4())
        path = f"/bookings/{confirmed['id']}"
        moved = await caller.put(path, {"start": at(salon, "13:00").isoformat()}, 2)
        assert moved.json()["status"] == "confirmed"
        changed = await caller.put(path, {"service_ids": [str(STYLING)]}, 3)
        assert changed.json()["status"] == "confirmed"

    async def test_a_loctician_who_is_the_customer_does_not_act_for_the_salon(
        self, book: Book, sign_in: SignIn, salon: date, deliver: Deliver
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True)
        await deliver("user.registered.v1", user_state(JONAS, "loctician"), version=1)
        booked = (await book(at(salon, "10:00"), role="staff", customer_id=str(JONAS))).json()
        assert booked["status"] == "confirmed"
        wish = {"start": at(salon, "13:00").isoformat()}
        moved = await sign_in("loctician", JONAS).put(f"/bookings/{booked['id']}", wish, 1)
        assert moved.json()["status"] == "pending"

    async def test_not_after_notes_alone_or_a_change_that_changes_nothing(
        self, confirmed: dict[str, Any], customer: Caller
    ) -> None:
        path = f"/bookings/{confirmed['id']}"
        assert (await customer.put(path, {"notes": "Ømt hår"}, 2)).json()["status"] == "confirmed"
        same = {"start": confirmed["start"], "loctician_id": str(AMINA), "notes": "Kort"}
        assert (await customer.put(path, same, 3)).json()["status"] == "confirmed"

    async def test_not_without_confirmation_by_hand(
        self, confirmed: dict[str, Any], customer: Caller, sign_in: SignIn, salon: date
    ) -> None:
        await set_rules(sign_in)
        moved = await customer.put(f"/bookings/{confirmed['id']}", {"start": at(salon, "13:00").isoformat()}, 2)
        assert (moved.json()["status"], moved.json()["confirm_by"]) == ("confirmed", None)


class TestNobodyConfirms:
    async def test_it_is_cancelled_with_a_reason_of_its_own(
        self, book: Book, customer: Caller, sign_in: SignIn, salon: date, set_clock: SetClock, outbox: Outbox,
        cancel_unconfirmed: RunJob, database: Database,
    ) -> None:  # fmt: skip
        await set_rules(sign_in, confirm_by_hand=True, confirm_within_hours=2)
        now = at(salon, "10:00") - timedelta(days=1)
        await set_clock(now)
        booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
        assert booked["confirm_by"] == (now + timedelta(hours=2)).isoformat()
        await set_clock(now + timedelta(hours=2, seconds=-1))
        await cancel_unconfirmed()
        assert await status_of(customer, booked) == "pending"
        await set_clock(now + timedelta(hours=2))
        await cancel_unconfirmed()
        seen = (await customer.get(f"/bookings/{booked['id']}")).json()
        assert (seen["status"], seen["cancel_code"], seen["cancel_reason"], seen["confirm_by"]) == (
            "cancelled", "not_confirmed", "not_confirmed", None,
        )  # fmt: skip
        event = BookingCancelled.model_validate((await outbox())[-1]["data"])
        assert (event.status, event.reason, event.version) == ("cancelled", "not_confirmed", 2)
        async with transaction(database, SERVICE_CLAIMS) as session:
            republished = await session.execute(STATES, {"after": UUID(int=0), "since": None, "limit": 10})
            assert republished.scalar_one()["reason"] == "not_confirmed"
        history = (await customer.get(f"/bookings/{booked['id']}/history")).json()["items"]
        assert [(item["change"], item["actor_role"]) for item in history][1:] == [("cancelled", "service")]
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_its_time_is_offered_to_the_waitlist_at_once(
        self, book: Book, sign_in: SignIn, salon: date, set_clock: SetClock, cancel_unconfirmed: RunJob
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True, confirm_within_hours=1)
        await set_clock(at(salon, "06:00"))
        await book(at(salon, "10:00"))
        waiting = sign_in()
        await wait(waiting, salon, loctician_id=str(AMINA), earliest="10:00", latest="11:30")
        await set_clock(at(salon, "07:00"))
        await cancel_unconfirmed()
        offer = await offer_of(waiting)
        assert offer is not None
        assert offer["start"] == at(salon, "10:00").isoformat()

    async def test_the_time_to_confirm_ends_at_the_start_at_the_latest(
        self, book: Book, customer: Caller, staff: Caller, sign_in: SignIn, salon: date, set_clock: SetClock,
        cancel_unconfirmed: RunJob,
    ) -> None:  # fmt: skip
        await set_rules(sign_in, confirm_by_hand=True)
        await set_clock(at(salon, "07:00"))
        booked = (await book(at(salon, "13:00"), customer=customer.id)).json()
        assert booked["confirm_by"] == at(salon, "13:00").isoformat()
        moved = (await staff.put(f"/bookings/{booked['id']}", {"start": at(salon, "10:00").isoformat()}, 1)).json()
        assert moved["status"] == "pending"
        await set_clock(at(salon, "10:00"))
        await cancel_unconfirmed()
        assert await status_of(customer, booked) == "cancelled"

    async def test_the_time_to_confirm_begins_again_with_a_change_by_the_customer(
        self, book: Book, customer: Caller, sign_in: SignIn, salon: date, set_clock: SetClock,
        cancel_unconfirmed: RunJob,
    ) -> None:  # fmt: skip
        await set_rules(sign_in, confirm_by_hand=True, confirm_within_hours=2, cancellation_window_hours=0)
        await set_clock(at(salon, "06:00"))
        booked = (await book(at(salon, "13:00"), customer=customer.id)).json()
        await set_clock(at(salon, "07:30"))
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "14:00").isoformat()}, 1)
        assert moved.json()["confirm_by"] == at(salon, "09:30").isoformat()
        await set_clock(at(salon, "08:30"))
        await cancel_unconfirmed()
        assert await status_of(customer, booked) == "pending"

    async def test_confirmed_bookings_stay(
        self, confirmed: dict[str, Any], customer: Caller, salon: date, set_clock: SetClock,
        cancel_unconfirmed: RunJob,
    ) -> None:  # fmt: skip
        await set_clock(at(salon, "12:00"))
        await cancel_unconfirmed()
        assert await status_of(customer, confirmed) == "confirmed"

    async def test_a_sitting_of_several_locticians_is_cancelled_as_a_whole(
        self, book: Book, repair: UUID, sign_in: SignIn, salon: date, set_clock: SetClock, cancel_unconfirmed: RunJob
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True, confirm_within_hours=1)
        await set_clock(at(salon, "06:00"))
        assert (await book(at(salon, "10:00"), STYLING, repair, loctician=None)).status_code == 201
        assert (await book(at(salon, "14:00"))).status_code == 201
        await set_clock(at(salon, "07:00"))
        await cancel_unconfirmed()
        listed = (await sign_in("staff").get("/bookings")).json()["items"]
        assert [item["cancel_code"] for item in listed] == ["not_confirmed", "not_confirmed"]
        assert (await book(at(salon, "10:00"), STYLING, repair, loctician=None)).status_code == 201

    @pytest.mark.parametrize("others", [1, 3])
    async def test_a_confirmation_at_the_same_moment_either_comes_first_or_is_refused(
        self, book: Book, staff: Caller, sign_in: SignIn, salon: date, set_clock: SetClock,
        cancel_unconfirmed: RunJob, others: int,
    ) -> None:  # fmt: skip
        await set_rules(sign_in, confirm_by_hand=True, confirm_within_hours=1)
        await set_clock(at(salon, "06:00"))
        starts = [at(salon, clock) for clock in ("09:00", "11:00", "13:00", "15:00")]
        booked = [(await book(start, customer=uuid4())).json() for start in starts]
        await set_clock(at(salon, "07:00"))
        answers = await asyncio.gather(
            *(staff.post(f"/bookings/{booking['id']}/confirm") for booking in booked),
            *(cancel_unconfirmed() for _ in range(others)),
        )
        for booking, answer in zip(booked, answers, strict=False):
            assert answer is not None
            expected = "confirmed" if answer.status_code == 200 else "cancelled"
            assert answer.status_code in {200, 409}
            assert await status_of(staff, booking) == expected
            changes = (await staff.get(f"/bookings/{booking['id']}/history")).json()["items"]
            assert [item["status"] for item in changes] == ["pending", expected]

    async def test_a_move_at_the_same_moment_keeps_the_booking_or_finds_it_cancelled(
        self, book: Book, customer: Caller, sign_in: SignIn, salon: date, set_clock: SetClock,
        cancel_unconfirmed: RunJob,
    ) -> None:  # fmt: skip
        await set_rules(sign_in, confirm_by_hand=True, confirm_within_hours=1, cancellation_window_hours=0)
        await set_clock(at(salon, "06:00"))
        booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
        await set_clock(at(salon, "07:00"))
        move = booking_body(at(salon, "13:00"), loctician=JONAS)
        answer, _ = await asyncio.gather(customer.put(f"/bookings/{booked['id']}", move, 1), cancel_unconfirmed())
        expected = {200: "pending", 409: "cancelled", 412: "cancelled"}[answer.status_code]
        assert await status_of(customer, booked) == expected
