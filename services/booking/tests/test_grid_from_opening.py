"""Grids that count from the opening, and hours that run past midnight."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    OpenOn,
    SignIn,
    at,
    booking_body,
    code,
)
from services.booking.tests.test_shared_sittings import add_repair
from services.booking.tests.test_slots import clocks, search
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS

REPAIR = UUID(int=5)


async def set_grid(database: Database, minutes: int, origin: str, *treatments: UUID) -> None:
    statement = "UPDATE booking.treatments SET grid_minutes = :minutes, grid_from = :origin WHERE id = ANY (:ids)"
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(text(statement), {"minutes": minutes, "origin": origin, "ids": list(treatments)})


async def free(client: httpx.AsyncClient, day: date, *services: UUID, loctician: UUID | None = AMINA) -> list[str]:
    more = {"loctician_id": str(loctician)} if loctician else {}
    return clocks((await search(client, day, *services, **more)).json()["items"])


async def reason(client: httpx.AsyncClient, start: datetime, *services: UUID, **more: Any) -> Any:
    body = booking_body(start, *services, **more)
    return (await client.post("/api/v1/bookings/check-availability", json=body)).json()["reason"]


class TestOpening:
    @pytest.fixture(autouse=True)
    async def open_from_half_past(self, salon: date, open_on: OpenOn, database: Database) -> None:
        await open_on(salon, ("09:30", "12:00"), ("12:45", "17:00"))
        await set_grid(database, 60, "opening", STYLING)

    async def test_the_hour_counts_by_default(self, client: httpx.AsyncClient, salon: date, database: Database) -> None:
        await set_grid(database, 60, "hour", STYLING)
        assert await free(client, salon, STYLING) == ["10:00", "11:00", "13:00", "14:00", "15:00", "16:00"]

    async def test_each_opening_counts_anew(self, client: httpx.AsyncClient, salon: date) -> None:
        assert await free(client, salon, STYLING) == ["09:30", "10:30", "12:45", "13:45", "14:45", "15:45"]

    async def test_check_and_booking_follow_the_same_grid(
        self, client: httpx.AsyncClient, salon: date, book: Book
    ) -> None:
        for clock, expected in (("09:30", None), ("10:00", "off_grid"), ("12:45", None), ("12:30", "outside_hours")):
            assert await reason(client, at(salon, clock), STYLING) == expected, clock
        assert code(await book(at(salon, "13:00"), STYLING)) == (422, "off_grid")
        assert (await book(at(salon, "12:45"), STYLING)).status_code == 201
        taken = await client.post("/api/v1/bookings/check-availability", json=booking_body(at(salon, "12:45"), STYLING))
        assert clocks(taken.json()["alternatives"]) == ["13:45", "14:45", "10:30"]

    async def test_any_loctician_is_one_on_whose_grid_the_start_is(
        self, client: httpx.AsyncClient, salon: date, book: Book, database: Database
    ) -> None:
        await set_grid(database, 60, "opening", RETWIST)
        assert await reason(client, at(salon, "10:00"), loctician=None) is None
        booked = (await book(at(salon, "10:00"), loctician=None)).json()
        assert booked["items"][0]["loctician_id"] == str(JONAS)
        assert code(await book(at(salon, "10:00"), loctician=None)) == (409, "slot_taken")
        assert (await book(at(salon, "09:30"), loctician=None)).status_code == 201

    async def test_a_sitting_counts_from_the_opening_if_one_of_its_treatments_does(
        self, client: httpx.AsyncClient, salon: date
    ) -> None:
        assert await free(client, salon, STYLING, RETWIST) == ["09:30", "12:45", "13:45"]

    async def test_a_shared_sitting_counts_from_the_opening_of_who_begins(
        self, client: httpx.AsyncClient, salon: date, database: Database, book: Book
    ) -> None:
        await add_repair(database)
        found = await free(client, salon, STYLING, REPAIR, loctician=None)
        assert found == ["09:30", "10:30", "12:45", "13:45", "14:45"]
        shared = await book(at(salon, "12:45"), STYLING, REPAIR, loctician=None)
        assert (shared.status_code, len(shared.json()["items"])) == (201, 2)
        assert code(await book(at(salon, "13:00"), STYLING, REPAIR, loctician=None)) == (422, "off_grid")

    async def test_an_opening_within_a_minute_counts_from_the_next(
        self, client: httpx.AsyncClient, salon: date, open_on: OpenOn
    ) -> None:
        await open_on(salon, ("13:07:30", "17:00"))
        assert await free(client, salon, STYLING) == ["13:08", "14:08", "15:08"]

    async def test_a_walk_in_can_begin_off_the_grid(self, salon: date, book: Book) -> None:
        assert (await book(at(salon, "13:01"), STYLING, role="staff", walk_in={})).status_code == 201


class TestCatalog:
    async def test_has_the_setting(self, salon: date, sign_in: SignIn) -> None:
        staff = sign_in("staff")
        seen = (await staff.get(f"/services/{STYLING}")).json()
        assert seen["grid_from"] == "hour"
        fields = ("translations", "category", "duration_minutes", "grid_minutes")
        body = {name: seen[name] for name in fields} | {"price": {"amount": 49500}, "grid_from": "opening"}
        changed = await staff.put(f"/services/{STYLING}", body, seen["version"])
        assert changed.json()["grid_from"] == "opening"
        wrong = await staff.put(f"/services/{STYLING}", body | {"grid_from": "noon"}, seen["version"] + 1)
        assert code(wrong) == (422, "invalid_input")


class TestPastMidnight:
    @pytest.fixture
    def evening(self, salon: date) -> date:
        """Not before a night in which the clock changes."""
        calm = at(salon, "12:00").utcoffset() == at(salon + timedelta(days=1), "12:00").utcoffset()
        return salon if calm else salon + timedelta(days=1)

    @pytest.fixture(autouse=True)
    async def open_at_night(self, evening: date, deliver: Any) -> None:
        """One opening from 22:00 to 02:00, and on the next day from 02:30."""
        after = evening + timedelta(days=1)
        days = [
            {"date": day.isoformat(), "windows": [{"start": a.isoformat(), "end": b.isoformat()}], "closed_for": None}
            for day, a, b in (
                (evening, at(evening, "22:00"), at(after, "02:00")),
                (after, at(after, "02:30"), at(after, "05:00")),
            )
        ]
        data = {"loctician_id": str(AMINA), "days": days}
        await deliver("calendar.windows_changed.v1", data, version=500)

    async def test_an_opening_is_searched_and_booked_over_midnight(
        self, client: httpx.AsyncClient, evening: date, book: Book, database: Database
    ) -> None:
        after = evening + timedelta(days=1)
        await set_grid(database, 30, "hour", STYLING)
        assert await free(client, evening, STYLING) == ["22:00", "22:30", "23:00", "23:30"]
        assert (await free(client, after, STYLING))[:4] == ["00:00", "00:30", "01:00", "02:30"]
        assert (await book(at(evening, "23:30"), STYLING)).status_code == 201
        assert (await book(at(after, "00:30"), STYLING)).status_code == 201
        assert code(await book(at(after, "01:30"), STYLING)) == (409, "outside_hours")

    async def test_the_grid_counts_from_the_evening(
        self, client: httpx.AsyncClient, evening: date, database: Database
    ) -> None:
        await set_grid(database, 20, "opening", RETWIST)
        await set_grid(database, 60, "opening", STYLING)
        after = evening + timedelta(days=1)
        assert await free(client, evening, STYLING) == ["22:00", "23:00"]
        assert await free(client, after, STYLING) == ["00:00", "01:00", "02:30", "03:30"]
        assert await free(client, after, RETWIST) == ["00:00", "00:20", "02:30", "02:50", "03:10", "03:30"]


async def test_days_open_all_round_are_one_time_but_two_openings(
    client: httpx.AsyncClient, salon: date, deliver: Any, database: Database, book: Book
) -> None:
    days = [
        {
            "date": day.isoformat(),
            "windows": [
                {"start": at(day, begins).isoformat(), "end": at(day + timedelta(days=1), "00:00").isoformat()}
            ],
            "closed_for": None,
        }
        for day, begins in ((salon, "09:30"), (salon + timedelta(days=1), "00:00"))
    ]
    await deliver("calendar.windows_changed.v1", {"loctician_id": str(AMINA), "days": days}, version=500)
    await set_grid(database, 60, "opening", STYLING)
    assert (await free(client, salon, STYLING))[-2:] == ["22:30", "23:30"]
    assert (await free(client, salon + timedelta(days=1), STYLING))[:2] == ["00:00", "01:00"]
    assert (await book(at(salon, "23:30"), STYLING)).status_code == 201
