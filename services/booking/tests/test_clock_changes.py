"""Bookings, moves and searches on days of 23 and 25 hours."""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.booking.tests.conftest import AMINA, RETWIST, STYLING, Book, OpenOn, SetClock, SignIn, at, code
from services.booking.tests.test_slots import search

SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)


@pytest.fixture
async def nights(salon: date, open_on: OpenOn, set_clock: SetClock) -> None:
    """Open from one to five in the night of each clock change. The time is a month before it."""
    for day in (SPRING, AUTUMN):
        await open_on(day, ("01:00", "05:00"))


async def starts(client: httpx.AsyncClient, day: date, *services: Any) -> list[str]:
    items = (await search(client, day, *services, loctician_id=str(AMINA))).json()["items"]
    return [item["start"][11:] for item in items]


class TestSpring:
    @pytest.fixture(autouse=True)
    async def month_before(self, nights: None, set_clock: SetClock) -> None:
        await set_clock(at(SPRING, "12:00") - timedelta(days=30))

    async def test_the_skipped_hour_is_not_offered(self, client: httpx.AsyncClient) -> None:
        free = await starts(client, SPRING, STYLING)
        assert free[3:6] == ["01:45:00+01:00", "03:00:00+02:00", "03:15:00+02:00"]
        assert len(free) == 9

    async def test_an_appointment_over_the_change_keeps_its_length(self, book: Book) -> None:
        body = (await book("2027-03-28T01:30:00+01:00", RETWIST)).json()
        assert (body["start"], body["end"]) == ("2027-03-28T01:30:00+01:00", "2027-03-28T04:00:00+02:00")
        assert body["items"][0]["end"] == body["end"]
        assert code(await book("2027-03-28T03:00:00+02:00", STYLING)) == (409, "slot_taken")

    async def test_a_local_time_that_does_not_exist_is_read_by_its_offset(self, book: Book) -> None:
        body = (await book("2027-03-28T02:30:00+01:00", STYLING)).json()
        assert body["start"] == "2027-03-28T03:30:00+02:00"

    async def test_a_day_of_23_hours_is_searched_completely(self, client: httpx.AsyncClient, open_on: OpenOn) -> None:
        await open_on(SPRING, ("00:00", "23:45"))
        free = await starts(client, SPRING, STYLING)
        assert (free[0], free[-1], len(free)) == ("00:00:00+01:00", "22:45:00+02:00", 88)


class TestAutumn:
    @pytest.fixture(autouse=True)
    async def month_before(self, nights: None, set_clock: SetClock) -> None:
        await set_clock(at(AUTUMN, "12:00") - timedelta(days=30))

    async def test_the_repeated_hour_counts_as_two_hours(self, client: httpx.AsyncClient, book: Book) -> None:
        first = await book("2027-10-31T02:00:00+02:00", STYLING)
        second = await book("2027-10-31T02:00:00+01:00", STYLING)
        assert [item.status_code for item in (first, second)] == [201, 201]
        assert first.json()["end"] == second.json()["start"] == "2027-10-31T02:00:00+01:00"
        assert code(await book("2027-10-31T02:30:00+02:00", STYLING)) == (409, "slot_taken")

    async def test_a_booking_can_move_from_the_first_two_o_clock_to_the_second(
        self, book: Book, sign_in: SignIn
    ) -> None:
        customer = sign_in()
        booked = (await book("2027-10-31T02:00:00+02:00", STYLING, customer=customer.id)).json()
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": "2027-10-31T02:00:00+01:00"}, 1)
        body = moved.json()
        assert (body["version"], body["start"], body["end"]) == (
            2, "2027-10-31T02:00:00+01:00", "2027-10-31T03:00:00+01:00",
        )  # fmt: skip
        assert datetime.fromisoformat(body["start"]) - datetime.fromisoformat(booked["start"]) == timedelta(hours=1)
