"""Bookings outside changed opening hours stay, are flagged and are published."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.booking.events import BookingConflicted, BookingFitsAgain
from services.booking.tests.conftest import AMINA, JONAS, Book, Caller, OpenOn, SetClock, SignIn, at, user_state
from shared.testing.types import Outbox


@pytest.fixture
async def booked(book: Book, customer: Caller, salon: date) -> dict[str, Any]:
    return dict((await book(at(salon, "10:00"), customer=customer.id)).json())


@pytest.fixture
async def booking_events(outbox: Outbox) -> Any:
    async def types() -> list[str]:
        return [event["type"].split(".")[1] for event in await outbox() if event["type"].startswith("booking.")]

    return types


class TestConflicts:
    async def test_are_flagged_published_once_and_listed_for_staff(
        self,
        booked: dict[str, Any],
        book: Book,
        salon: date,
        open_on: OpenOn,
        sign_in: SignIn,
        outbox: Outbox,
        booking_events: Any,
    ) -> None:
        fitting = (await book(at(salon, "14:00"))).json()
        await open_on(salon, ("12:00", "17:00"))
        await open_on(salon, ("12:30", "17:00"))
        staff = sign_in("staff")
        listed = (await staff.get("/bookings", conflicted="true")).json()["items"]
        [conflicted] = listed
        assert (conflicted["id"], conflicted["status"], conflicted["conflicted"]) == (booked["id"], "confirmed", True)
        others = (await staff.get("/bookings", conflicted="false")).json()["items"]
        assert [other["id"] for other in others] == [fitting["id"]]
        assert await booking_events() == ["created", "created", "conflicted"]
        [flagged] = [item for item in await outbox() if item["type"] == "booking.conflicted.v1"]
        event = BookingConflicted.model_validate(flagged["data"])
        assert (str(event.booking_id), event.version, event.reason) == (booked["id"], 2, "hours_changed")
        assert (await book(at(salon, "10:00"))).status_code == 409

    async def test_are_cleared_when_hours_fit_again(
        self,
        booked: dict[str, Any],
        customer: Caller,
        salon: date,
        open_on: OpenOn,
        outbox: Outbox,
        booking_events: Any,
    ) -> None:
        await open_on(salon, closed_for="time_off")
        await open_on(salon, ("09:00", "17:00"))
        seen = (await customer.get(f"/bookings/{booked['id']}")).json()
        assert (seen["conflicted"], seen["version"]) == (False, 3)
        assert await booking_events() == ["created", "conflicted", "fits_again"]
        assert BookingFitsAgain.model_validate((await outbox())[-1]["data"]).version == 3
        await open_on(salon)
        assert (await booking_events())[-1] == "conflicted"

    async def test_are_cleared_when_the_booking_is_moved_or_cancelled(
        self, booked: dict[str, Any], book: Book, customer: Caller, salon: date, open_on: OpenOn, sign_in: SignIn
    ) -> None:
        other = (await book(at(salon, "12:00"), customer=customer.id)).json()
        await open_on(salon, ("14:00", "17:00"))
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "15:00").isoformat()}, 2)
        assert moved.json()["conflicted"] is False
        assert (await customer.post(f"/bookings/{other['id']}/cancel")).json()["conflicted"] is False
        assert (await sign_in("admin").get("/bookings", conflicted="true")).json()["items"] == []

    async def test_older_hours_that_arrive_late_flag_nothing(
        self, booked: dict[str, Any], customer: Caller, salon: date, open_on: OpenOn
    ) -> None:
        await open_on(salon, ("09:00", "17:00"), version=900)
        await open_on(salon, version=899)
        assert (await customer.get(f"/bookings/{booked['id']}")).json()["conflicted"] is False

    async def test_past_bookings_and_those_of_others_are_not_flagged(
        self, booked: dict[str, Any], customer: Caller, salon: date, open_on: OpenOn, set_clock: SetClock
    ) -> None:
        await open_on(salon, loctician=JONAS)
        assert (await customer.get(f"/bookings/{booked['id']}")).json()["version"] == 1
        await set_clock(at(salon, "12:00"))
        await open_on(salon)
        assert (await customer.get(f"/bookings/{booked['id']}")).json()["version"] == 1

    async def test_bookings_of_a_loctician_who_leaves_are_flagged(
        self, booked: dict[str, Any], customer: Caller, deliver: Any, booking_events: Any
    ) -> None:
        await deliver("user.deactivated.v1", user_state(AMINA, "loctician", active=False), version=3)
        assert (await customer.get(f"/bookings/{booked['id']}")).json()["conflicted"] is True
        await deliver("user.role_changed.v1", user_state(AMINA, "loctician"), version=4)
        assert await booking_events() == ["created", "conflicted", "fits_again"]

    async def test_the_filter_does_not_show_bookings_of_others(
        self, booked: dict[str, Any], salon: date, open_on: OpenOn, sign_in: SignIn
    ) -> None:
        await open_on(salon)
        assert (await sign_in("customer", uuid4()).get("/bookings", conflicted="true")).json()["items"] == []
        assert (await sign_in("loctician", JONAS).get("/bookings", conflicted="true")).json()["items"] == []
        assert len((await sign_in("loctician", AMINA).get("/bookings", conflicted="true")).json()["items"]) == 1
