"""Searching free slots, and checking whether a time can be booked."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text

from domain.clock import COPENHAGEN
from services.booking.tests.conftest import (
    AMINA,
    DETOX,
    JONAS,
    RETIRED,
    RETWIST,
    STYLING,
    Book,
    OpenOn,
    at,
    booking_body,
)
from shared.database.session import Database

BETWEEN = text(
    "SELECT starts_at, ends_at FROM booking.slots_between(:treatments, :loctician, :from, :to, 1000)"
).bindparams(
    bindparam("treatments", type_=ARRAY(Uuid)),
    bindparam("loctician", type_=Uuid),
    bindparam("from", type_=DateTime(timezone=True)),
    bindparam("to", type_=DateTime(timezone=True)),
)


def clocks(slots: list[dict[str, Any]]) -> list[str]:
    return [slot["start"][11:16] for slot in slots]


async def search(client: httpx.AsyncClient, day: date, *services: UUID, **params: Any) -> httpx.Response:
    params = {"from": at(day, "00:00").isoformat(), "to": at(day + timedelta(days=1), "00:00").isoformat()} | params
    return await client.get(
        "/api/v1/slots", params={"service_id": [str(service) for service in services or (RETWIST,)], **params}
    )


async def starts(database: Database, day: date, treatment: UUID = STYLING) -> list[datetime]:
    """Free starts of Amina on one day, past or future."""
    params = {"treatments": [treatment], "loctician": AMINA, "from": at(day, "00:00"), "to": at(day, "23:59")}
    return [row.starts_at.astimezone(COPENHAGEN) for row in await database.call(BETWEEN, params)]


class TestSearch:
    async def test_starts_are_on_the_grid_within_open_windows(self, client: httpx.AsyncClient, salon: date) -> None:
        items = (await search(client, salon, loctician_id=str(AMINA))).json()["items"]
        assert clocks(items)[:3] == ["09:00", "09:15", "09:30"]
        assert clocks(items)[-1] == "15:30"
        assert items[0] == {
            "start": at(salon, "09:00").isoformat(),
            "end": at(salon, "10:30").isoformat(),
            "loctician_id": str(AMINA),
            "service_ids": [str(RETWIST)],
            "price": {
                "amount": 64900,
                "currency": "DKK",
                "formatted": "649 kr.",
                "vat": {"rate": 25, "amount": 12980},
            },
        }

    async def test_leaves_out_what_is_booked_and_its_buffer(
        self, client: httpx.AsyncClient, book: Book, salon: date
    ) -> None:
        await book(at(salon, "11:00"))
        free = clocks((await search(client, salon, loctician_id=str(AMINA))).json()["items"])
        assert free[:3] == ["09:00", "09:15", "12:45"]

    async def test_every_slot_can_be_booked_and_nothing_else(
        self, client: httpx.AsyncClient, book: Book, salon: date
    ) -> None:
        for clock, service in (("09:30", DETOX), ("12:15", RETWIST), ("15:00", STYLING)):
            assert (await book(at(salon, clock), service)).status_code == 201
        free = set(clocks((await search(client, salon, STYLING, loctician_id=str(AMINA))).json()["items"]))
        for minutes in range(9 * 60, 17 * 60, 15):
            clock = f"{minutes // 60:02}:{minutes % 60:02}"
            checked = await client.post(
                "/api/v1/bookings/check-availability", json=booking_body(at(salon, clock), STYLING)
            )
            assert checked.json()["available"] == (clock in free), clock

    async def test_without_a_loctician_shows_all_at_their_own_price(
        self, client: httpx.AsyncClient, salon: date
    ) -> None:
        items = (await search(client, salon)).json()["items"][:2]
        assert [(item["loctician_id"], item["price"]["amount"]) for item in items] == [
            (str(AMINA), 64900), (str(JONAS), 59900),
        ]  # fmt: skip

    async def test_several_treatments_need_a_loctician_who_performs_all(
        self, client: httpx.AsyncClient, salon: date
    ) -> None:
        items = (await search(client, salon, STYLING, RETWIST)).json()["items"]
        assert {item["loctician_id"] for item in items} == {str(AMINA)}
        assert clocks(items)[-1] == "14:30"

    async def test_returns_no_more_than_the_limit(self, client: httpx.AsyncClient, salon: date) -> None:
        assert len((await search(client, salon, limit="5")).json()["items"]) == 5

    async def test_the_past_is_never_free(self, client: httpx.AsyncClient, salon: date, open_on: OpenOn) -> None:
        today = datetime.now(COPENHAGEN).date()
        for day in (today - timedelta(days=1), today):
            await open_on(day, ("00:00", "23:45"))
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        items = (await search(client, today, STYLING, **{"from": since, "to": until})).json()["items"]
        assert all(datetime.fromisoformat(item["start"]) > datetime.now(UTC) for item in items)

    @pytest.mark.parametrize(
        ("services", "loctician", "code"),
        [
            ([UUID(int=99)], AMINA, "unknown_treatment"),
            ([RETIRED], AMINA, "unknown_treatment"),
            ([RETWIST], uuid4(), "unknown_loctician"),
            ([DETOX], JONAS, "treatment_not_offered"),
        ],
    )
    async def test_unknown_treatments_and_locticians_are_errors(
        self, client: httpx.AsyncClient, salon: date, services: list[UUID], loctician: UUID, code: str
    ) -> None:
        answer = await search(client, salon, *services, loctician_id=str(loctician))
        assert (answer.status_code, answer.json()["code"]) == (422, code)

    async def test_a_closed_day_has_no_slots(self, client: httpx.AsyncClient, salon: date, open_on: OpenOn) -> None:
        await open_on(salon)
        assert (await search(client, salon, loctician_id=str(AMINA))).json() == {"items": [], "next_cursor": None}


class TestCheckAvailability:
    async def test_works_without_a_token(self, client: httpx.AsyncClient, salon: date) -> None:
        answer = await client.post("/api/v1/bookings/check-availability", json=booking_body(at(salon, "10:00")))
        assert answer.json() == {"available": True, "reason": None, "alternatives": []}

    async def test_gives_the_reason_and_the_nearest_times(
        self, client: httpx.AsyncClient, book: Book, salon: date
    ) -> None:
        await book(at(salon, "10:00"))
        answer = await client.post("/api/v1/bookings/check-availability", json=booking_body(at(salon, "10:00")))
        assert answer.json()["reason"] == "slot_taken"
        assert clocks(answer.json()["alternatives"]) == ["11:45", "12:00", "12:15"]

    async def test_alternatives_reach_two_weeks(self, client: httpx.AsyncClient, salon: date, open_on: OpenOn) -> None:
        await open_on(salon + timedelta(days=12), ("09:00", "10:15"))
        await open_on(salon, loctician=AMINA)
        answer = await client.post(
            "/api/v1/bookings/check-availability", json=booking_body(at(salon, "10:00"), STYLING)
        )
        assert answer.json()["reason"] == "outside_hours"
        assert clocks(answer.json()["alternatives"]) == ["09:00", "09:15"]


class TestClockChanges:
    SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)

    @pytest.mark.parametrize("change", [SPRING, AUTUMN])
    async def test_nine_o_clock_stays_nine_o_clock_after_the_change(
        self, salon: date, database: Database, open_on: OpenOn, change: date
    ) -> None:
        for offset in (-1, 0, 1):
            day = change + timedelta(days=offset)
            await open_on(day, ("09:00", "17:00"))
            free = await starts(database, day)
            assert (free[0], free[-1]) == (at(day, "09:00"), at(day, "16:00"))
            assert len(free) == 29

    async def test_the_skipped_hour_is_not_offered(self, salon: date, database: Database, open_on: OpenOn) -> None:
        await open_on(self.SPRING, ("01:00", "05:00"))
        free = [start.isoformat()[11:] for start in await starts(database, self.SPRING)]
        assert free[:5] == ["01:00:00+01:00", "01:15:00+01:00", "01:30:00+01:00", "01:45:00+01:00", "03:00:00+02:00"]
        assert free[-1] == "04:00:00+02:00"
        assert len(free) == 9

    async def test_the_repeated_hour_is_offered_twice(self, salon: date, database: Database, open_on: OpenOn) -> None:
        await open_on(self.AUTUMN, ("01:00", "05:00"))
        free = [start.isoformat()[11:] for start in await starts(database, self.AUTUMN)]
        assert free.index("02:45:00+02:00") + 1 == free.index("02:00:00+01:00")
        assert len(free) == 17

    async def test_a_treatment_over_the_change_keeps_its_length(
        self, salon: date, database: Database, open_on: OpenOn
    ) -> None:
        await open_on(self.SPRING, ("01:00", "05:00"))
        params = {"treatments": [RETWIST], "loctician": AMINA, "from": at(self.SPRING, "01:00"),
                  "to": at(self.SPRING, "01:01")}  # fmt: skip
        [row] = await database.call(BETWEEN, params)
        assert row.ends_at - row.starts_at == timedelta(minutes=90)
        assert row.ends_at.astimezone(COPENHAGEN).isoformat()[11:] == "03:30:00+02:00"
