"""Corrections by the salon: a no-show that was none, the name of a walk-in, bookings of deactivated customers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking.tests.conftest import (
    AMINA,
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
from shared.testing.types import Deliver, Outbox


@pytest.fixture
async def missed(book: Book, customer: Caller, salon: date, sign_in: SignIn, set_clock: SetClock) -> dict[str, Any]:
    """A booking that was marked as a no-show when it began."""
    booking = (await book(at(salon, "10:00"), customer=customer.id)).json()
    await set_clock(at(salon, "10:20"))
    marked = await sign_in("loctician", AMINA).post(f"/bookings/{booking['id']}/no-show")
    assert marked.json()["status"] == "no_show"
    return dict(marked.json())


async def types(outbox: Outbox) -> list[str]:
    return [event["type"] for event in await outbox() if event["type"].startswith("booking.")]


class TestNoShow:
    async def test_is_undone_by_staff_within_a_day_and_recorded(
        self, missed: dict[str, Any], sign_in: SignIn, set_clock: SetClock, salon: date, outbox: Outbox
    ) -> None:
        await set_clock(at(salon, "10:19").astimezone(UTC) + timedelta(days=1))
        staff = sign_in("staff")
        undone = await staff.delete(f"/bookings/{missed['id']}/no-show")
        assert (undone.status_code, undone.json()["status"], undone.json()["version"]) == (200, "confirmed", 3)
        assert undone.headers["ETag"] == '"3"'
        changes = (await staff.get(f"/bookings/{missed['id']}/history")).json()["items"]
        assert [change["change"] for change in changes] == ["created", "no_show", "no_show_undone"]
        assert (changes[-1]["actor_id"], changes[-1]["status"]) == (str(staff.id), "confirmed")
        assert (await types(outbox))[-1] == "booking.no_show_undone.v1"
        completed = await staff.post(f"/bookings/{missed['id']}/complete")
        assert completed.json()["status"] == "completed"

    async def test_stays_after_a_day(
        self, missed: dict[str, Any], sign_in: SignIn, set_clock: SetClock, salon: date
    ) -> None:
        await set_clock(at(salon, "10:21").astimezone(UTC) + timedelta(days=1))
        assert code(await sign_in("staff").delete(f"/bookings/{missed['id']}/no-show")) == (409, "undo_too_late")

    async def test_is_not_undone_by_others_or_in_another_status(
        self, missed: dict[str, Any], customer: Caller, sign_in: SignIn, book: Book, salon: date
    ) -> None:
        for caller in (customer, sign_in("loctician", AMINA)):
            assert code(await caller.delete(f"/bookings/{missed['id']}/no-show")) == (403, "forbidden")
        other = (await book(at(salon, "14:00"))).json()
        assert code(await sign_in("admin").delete(f"/bookings/{other['id']}/no-show")) == (409, "wrong_status")
        assert code(await sign_in("admin").delete(f"/bookings/{uuid4()}/no-show")) == (404, "not_found")


class TestWalkIn:
    async def test_gets_another_name_and_phone(self, sign_in: SignIn, salon: date, outbox: Outbox) -> None:
        staff = sign_in("staff")
        body = booking_body(at(salon, "10:00")) | {"walk_in": {"name": "Jonsa", "phone": "20123456"}}
        booking = (await staff.post("/bookings", body)).json()
        corrected = await staff.put(f"/bookings/{booking['id']}", {"walk_in": {"name": "Jonas"}}, 1)
        assert corrected.json()["walk_in"] == {"name": "Jonas", "phone": None}
        assert (corrected.json()["version"], corrected.json()["start"]) == (2, booking["start"])
        [_, noted] = [event for event in await outbox() if event["type"].startswith("booking.")]
        assert noted["type"] == "booking.noted.v1"
        assert "Jonas" not in str(noted)

    async def test_name_is_not_for_customers_with_an_account(
        self, book: Book, customer: Caller, sign_in: SignIn, salon: date
    ) -> None:
        booking = (await book(at(salon, "10:00"), customer=customer.id)).json()
        change = {"walk_in": {"name": "Jonas"}}
        assert code(await sign_in("staff").put(f"/bookings/{booking['id']}", change, 1)) == (422, "not_a_walk_in")
        assert code(await customer.put(f"/bookings/{booking['id']}", change, 1)) == (403, "not_for_others")


class TestLength:
    @pytest.fixture
    async def booked(self, book: Book, customer: Caller, salon: date) -> dict[str, Any]:
        return dict((await book(at(salon, "10:00"), STYLING, RETWIST, customer=customer.id)).json())

    async def test_of_one_booking_is_changed_by_the_salon(
        self, booked: dict[str, Any], sign_in: SignIn, salon: date, outbox: Outbox, book: Book
    ) -> None:
        path = f"/bookings/{booked['id']}"
        longer = (await sign_in("loctician", AMINA).put(path, {"duration_minutes": 180}, 1)).json()
        assert (longer["start"], longer["end"]) == (booked["start"], at(salon, "13:00").isoformat())
        assert [item["end"] for item in longer["items"]] == [
            at(salon, "11:00").isoformat(),
            at(salon, "13:00").isoformat(),
        ]
        assert (longer["price"], longer["version"], longer["status"]) == (booked["price"], 2, "confirmed")
        [event] = [event for event in await outbox() if event["type"] == "booking.rescheduled.v1"]
        blocked_end = datetime.fromisoformat(event["data"]["items"][1]["blocked_end"])
        assert blocked_end == at(salon, "13:15"), "with the buffer"
        assert (await book(at(salon, "13:00"), STYLING)).status_code == 409
        moved = (await sign_in("staff").put(path, {"start": at(salon, "12:00").isoformat()}, 2)).json()
        assert moved["end"] == at(salon, "15:00").isoformat(), "a move keeps the length"
        shorter = (await sign_in("staff").put(path, {"duration_minutes": 65}, 3)).json()
        assert shorter["end"] == at(salon, "13:05").isoformat()
        assert (await book(at(salon, "14:00"), STYLING)).status_code == 201

    async def test_is_changed_while_the_appointment_goes_on_and_after_closing_time(
        self, booked: dict[str, Any], sign_in: SignIn, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "12:20"))
        longer = await sign_in("staff").put(f"/bookings/{booked['id']}", {"duration_minutes": 8 * 60}, 1)
        assert longer.json()["end"] == at(salon, "18:00").isoformat()

    async def test_does_not_take_the_time_of_others(
        self, booked: dict[str, Any], book: Book, sign_in: SignIn, salon: date
    ) -> None:
        await book(at(salon, "13:00"))
        staff = sign_in("staff")
        refused = await staff.put(f"/bookings/{booked['id']}", {"duration_minutes": 180}, 1)
        assert code(refused) == (409, "slot_taken")
        assert (await staff.get(f"/bookings/{booked['id']}")).json()["end"] == booked["end"]

    async def test_is_refused_for_customers_too_short_or_with_other_changes(
        self, booked: dict[str, Any], customer: Caller, sign_in: SignIn
    ) -> None:
        path = f"/bookings/{booked['id']}"
        assert code(await customer.put(path, {"duration_minutes": 200}, 1)) == (403, "not_for_others")
        refused = await sign_in("staff").put(path, {"duration_minutes": 64}, 1)
        assert (*code(refused), refused.json()["shortest"]) == (422, "too_short", 65)
        both = {"duration_minutes": 120, "notes": "x"}
        assert code(await sign_in("staff").put(path, both, 1)) == (422, "invalid_input")
        assert code(await sign_in("staff").put(path, {"duration_minutes": 200}, 9)) == (412, "stale_version")


class TestDeactivatedCustomer:
    @pytest.fixture
    async def booked(self, book: Book, customer: Caller, salon: date) -> dict[str, Any]:
        return dict((await book(at(salon, "10:00"), customer=customer.id)).json())

    @pytest.fixture
    async def left(self, booked: dict[str, Any], customer: Caller, deliver: Deliver) -> UUID:
        await deliver("user.deactivated.v1", user_state(customer.id, active=False), version=2)
        return UUID(booked["id"])

    async def test_bookings_stay_and_are_listed_for_staff(
        self, left: UUID, book: Book, sign_in: SignIn, salon: date, outbox: Outbox
    ) -> None:
        await book(at(salon, "14:00"))
        staff = sign_in("staff")
        [listed] = (await staff.get("/bookings", customer_inactive="true")).json()["items"]
        assert (listed["id"], listed["status"], listed["customer_inactive"]) == (str(left), "confirmed", True)
        assert len((await staff.get("/bookings", customer_inactive="false")).json()["items"]) == 1
        assert (await types(outbox))[:2] == ["booking.created.v1", "booking.customer_inactive.v1"]
        taken = await book(at(salon, "10:00"))
        assert taken.status_code == 409

    async def test_booking_is_kept(self, left: UUID, sign_in: SignIn, outbox: Outbox) -> None:
        staff = sign_in("staff")
        kept = [await staff.post(f"/bookings/{left}/keep") for _ in range(2)]
        assert [(answer.json()["status"], answer.json()["version"]) for answer in kept] == [("confirmed", 3)] * 2
        assert (await staff.get("/bookings", customer_inactive="true")).json()["items"] == []
        assert (await types(outbox))[-1] == "booking.kept.v1"
        assert code(await sign_in("loctician", AMINA).post(f"/bookings/{left}/keep")) == (403, "forbidden")

    async def test_booking_is_cancelled(self, left: UUID, sign_in: SignIn) -> None:
        staff = sign_in("staff")
        cancelled = (await staff.post(f"/bookings/{left}/cancel")).json()
        assert (cancelled["status"], cancelled["customer_inactive"]) == ("cancelled", False)

    async def test_bookings_wait_no_more_when_the_account_is_active_again(
        self, left: UUID, customer: Caller, deliver: Deliver, sign_in: SignIn
    ) -> None:
        await deliver("user.reactivated.v1", user_state(customer.id), version=3)
        booking = (await sign_in("staff").get(f"/bookings/{left}")).json()
        assert (booking["customer_inactive"], booking["version"]) == (False, 3)

    async def test_past_and_cancelled_bookings_are_left_alone(
        self,
        booked: dict[str, Any],
        customer: Caller,
        deliver: Deliver,
        sign_in: SignIn,
        set_clock: SetClock,
        salon: date,
    ) -> None:
        await set_clock(at(salon, "12:00"))
        await deliver("user.deactivated.v1", user_state(customer.id, active=False), version=2)
        booking = (await sign_in("staff").get(f"/bookings/{booked['id']}")).json()
        assert (booking["customer_inactive"], booking["version"]) == (False, 1)


async def test_bookings_are_listed_by_series(customer: Caller, salon: date) -> None:
    body = booking_body(at(salon, "10:00"), RETWIST) | {"every_weeks": 1, "times": 2}
    series = (await customer.post("/bookings/series", body)).json()
    await customer.post("/bookings", booking_body(at(salon, "14:00")))
    listed = (await customer.get("/bookings", series_id=series["series_id"])).json()["items"]
    assert [item["start"] for item in listed] == [at(salon, "10:00").isoformat()]
