from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text

from domain.clock import COPENHAGEN
from services.booking.tests.conftest import AMINA, DETOX, JONAS, RETIRED, RETWIST, STYLING, Book, OpenOn, asking, at
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
    return [one["start"][11:16] for one in slots]


async def search(client: httpx.AsyncClient, day: date, *services: UUID, **params: Any) -> httpx.Response:
    params = {"from": at(day, "00:00").isoformat(), "to": at(day + timedelta(days=1), "00:00").isoformat()} | params
    return await client.get(
        "/api/v1/slots", params={"service_id": [str(one) for one in services or (RETWIST,)], **params}
    )


async def starts(database: Database, day: date, treatment: UUID = STYLING) -> list[datetime]:
    """Free starts of Amina on one day, past or future."""
    params = {"treatments": [treatment], "loctician": AMINA, "from": at(day, "00:00"), "to": at(day, "23:59")}
    return [row.starts_at.astimezone(COPENHAGEN) for row in await database.call(BETWEEN, params)]


class TestSearch:
    async def test_cuts_the_open_day_at_the_grid(self, client: httpx.AsyncClient, salon: date) -> None:
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
                "formatted": "649,00 kr.",
                "vat": {"rate": 25, "amount": 12980},
            },
        }

    async def test_leaves_out_what_is_booked_and_its_buffer(
        self, client: httpx.AsyncClient, book: Book, salon: date
    ) -> None:
        await book(at(salon, "11:00"))
        found = clocks((await search(client, salon, loctician_id=str(AMINA))).json()["items"])
        assert found[:3] == ["09:00", "09:15", "12:45"]

    async def test_every_slot_can_be_booked_and_nothing_else(
        self, client: httpx.AsyncClient, book: Book, salon: date
    ) -> None:
        for clock, service in (("09:30", DETOX), ("12:15", RETWIST), ("15:00", STYLING)):
            assert (await book(at(salon, clock), service)).status_code == 201
        found = set(clocks((await search(client, salon, STYLING, loctician_id=str(AMINA))).json()["items"]))
        for minutes in range(9 * 60, 17 * 60, 15):
            clock = f"{minutes // 60:02}:{minutes % 60:02}"
            checked = await client.post("/api/v1/bookings/check-availability", json=asking(at(salon, clock), STYLING))
            assert checked.json()["available"] == (clock in found), clock

    async def test_anyone_offers_everybody_at_their_own_price(self, client: httpx.AsyncClient, salon: date) -> None:
        items = (await search(client, salon)).json()["items"][:2]
        assert [(one["loctician_id"], one["price"]["amount"]) for one in items] == [
            (str(AMINA), 64900), (str(JONAS), 59900),
        ]  # fmt: skip

    async def test_several_treatments_need_one_who_performs_all(self, client: httpx.AsyncClient, salon: date) -> None:
        items = (await search(client, salon, STYLING, RETWIST)).json()["items"]
        assert {one["loctician_id"] for one in items} == {str(AMINA)}
        assert clocks(items)[-1] == "14:30"

    async def test_no_more_than_asked_for(self, client: httpx.AsyncClient, salon: date) -> None:
        assert len((await search(client, salon, limit="5")).json()["items"]) == 5

    async def test_the_past_is_never_free(self, client: httpx.AsyncClient, salon: date, open_on: OpenOn) -> None:
        today = datetime.now(COPENHAGEN).date()
        for day in (today - timedelta(days=1), today):
            await open_on(day, ("00:00", "23:45"))
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        items = (await search(client, today, STYLING, **{"from": since, "to": until})).json()["items"]
        assert all(datetime.fromisoformat(one["start"]) > datetime.now(UTC) for one in items)

    @pytest.mark.parametrize(
        ("services", "loctician", "code"),
        [
            ([UUID(int=99)], AMINA, "unknown_treatment"),
            ([RETIRED], AMINA, "unknown_treatment"),
            ([RETWIST], uuid4(), "unknown_loctician"),
            ([DETOX], JONAS, "treatment_not_offered"),
        ],
    )
    async def test_what_does_not_exist_is_said(
        self, client: httpx.AsyncClient, salon: date, services: list[UUID], loctician: UUID, code: str
    ) -> None:
        answer = await search(client, salon, *services, loctician_id=str(loctician))
        assert (answer.status_code, answer.json()["code"]) == (422, code)

    async def test_a_closed_day_has_no_slots(self, client: httpx.AsyncClient, salon: date, open_on: OpenOn) -> None:
        await open_on(salon)
        assert (await search(client, salon, loctician_id=str(AMINA))).json() == {"items": []}


class TestCheckAvailability:
    async def test_says_yes_without_a_token(self, client: httpx.AsyncClient, salon: date) -> None:
        answer = await client.post("/api/v1/bookings/check-availability", json=asking(at(salon, "10:00")))
        assert answer.json() == {"available": True, "reason": None, "alternatives": []}

    async def test_says_why_not_and_what_is_near(self, client: httpx.AsyncClient, book: Book, salon: date) -> None:
        await book(at(salon, "10:00"))
        answer = await client.post("/api/v1/bookings/check-availability", json=asking(at(salon, "10:00")))
        assert answer.json()["reason"] == "slot_taken"
        assert clocks(answer.json()["alternatives"]) == ["11:45", "12:00", "12:15"]

    async def test_alternatives_reach_two_weeks(self, client: httpx.AsyncClient, salon: date, open_on: OpenOn) -> None:
        await open_on(salon + timedelta(days=12), ("09:00", "10:15"))
        await open_on(salon, loctician=AMINA)
        answer = await client.post("/api/v1/bookings/check-availability", json=asking(at(salon, "10:00"), STYLING))
        assert answer.json()["reason"] == "outside_hours"
        assert clocks(answer.json()["alternatives"]) == ["09:00", "09:15"]


class TestClockChanges:
    SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)

    @pytest.mark.parametrize("change", [SPRING, AUTUMN])
    async def test_nine_o_clock_is_nine_o_clock_on_both_sides(
        self, salon: date, database: Database, open_on: OpenOn, change: date
    ) -> None:
        for offset in (-1, 0, 1):
            day = change + timedelta(days=offset)
            await open_on(day, ("09:00", "17:00"))
            found = await starts(database, day)
            assert (found[0], found[-1]) == (at(day, "09:00"), at(day, "16:00"))
            assert len(found) == 29

    async def test_the_hour_that_spring_skips_is_not_offered(
        self, salon: date, database: Database, open_on: OpenOn
    ) -> None:
        await open_on(self.SPRING, ("01:00", "05:00"))
        found = [one.isoformat()[11:] for one in await starts(database, self.SPRING)]
        assert found[:5] == ["01:00:00+01:00", "01:15:00+01:00", "01:30:00+01:00", "01:45:00+01:00", "03:00:00+02:00"]
        assert found[-1] == "04:00:00+02:00"
        assert len(found) == 9

    async def test_the_hour_that_autumn_repeats_is_offered_twice(
        self, salon: date, database: Database, open_on: OpenOn
    ) -> None:
        await open_on(self.AUTUMN, ("01:00", "05:00"))
        found = [one.isoformat()[11:] for one in await starts(database, self.AUTUMN)]
        assert found.index("02:45:00+02:00") + 1 == found.index("02:00:00+01:00")
        assert len(found) == 17

    async def test_a_treatment_over_the_change_keeps_its_length(
        self, salon: date, database: Database, open_on: OpenOn
    ) -> None:
        await open_on(self.SPRING, ("01:00", "05:00"))
        params = {"treatments": [RETWIST], "loctician": AMINA, "from": at(self.SPRING, "01:00"),
                  "to": at(self.SPRING, "01:01")}  # fmt: skip
        [row] = await database.call(BETWEEN, params)
        assert row.ends_at - row.starts_at == timedelta(minutes=90)
        assert row.ends_at.astimezone(COPENHAGEN).isoformat()[11:] == "03:30:00+02:00"
