"""Free times by day, and searches that end at a page's limit."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.booking.tests.conftest import (
    AMINA,
    JONAS,
    RETIRED,
    RETWIST,
    STYLING,
    Book,
    OpenOn,
    SetClock,
    SignIn,
    at,
    code,
)
from services.booking.tests.test_shared_sittings import REPAIR, add_repair
from services.booking.tests.test_slots import search
from shared.database.session import Database


async def days(client: httpx.AsyncClient, first: date, last: date, *services: UUID, **params: Any) -> httpx.Response:
    listed = {"service_id": [str(service) for service in services or (RETWIST,)]}
    period = {"from": first.isoformat(), "to": last.isoformat()}
    return await client.get("/api/v1/slots/days", params=listed | period | params)


async def all_pages(client: httpx.AsyncClient, day: date, *services: UUID, limit: int, **params: Any) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await search(client, day, *services, limit=limit, **cursor, **params)).json()
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        assert len(page["items"]) == limit
        cursor = {"cursor": page["next_cursor"]}


class TestDays:
    async def test_each_day_has_its_first_and_last_start_how_many_and_the_lowest_price(
        self, client: httpx.AsyncClient, salon: date
    ) -> None:
        before, after = salon - timedelta(days=1), salon + timedelta(days=1)
        answer = await days(client, before, after)
        assert answer.headers["cache-control"] == "no-store"
        closed = {"first": None, "last": None, "start_count": 0, "price_from": None}
        assert answer.json()["items"] == [
            {"day": before.isoformat()} | closed,
            {
                "day": salon.isoformat(),
                "first": at(salon, "09:00").isoformat(),
                "last": at(salon, "16:00").isoformat(),  # Jonas needs an hour, Amina an hour and a half
                "start_count": 29,
                "price_from": {
                    "amount": 59900, "currency": "DKK", "formatted": "599 kr.", "vat": {"rate": 25, "amount": 11980},
                },
            },
            {"day": after.isoformat()} | closed,
        ]  # fmt: skip

    async def test_a_loctician_has_the_own_days_and_prices(self, client: httpx.AsyncClient, salon: date) -> None:
        (day,) = (await days(client, salon, salon, loctician_id=str(AMINA))).json()["items"]
        assert (day["last"], day["start_count"], day["price_from"]["amount"]) == (
            at(salon, "15:30").isoformat(),
            27,
            64900,
        )

    async def test_they_are_what_the_search_of_the_day_lists(
        self, client: httpx.AsyncClient, book: Book, salon: date
    ) -> None:
        await book(at(salon, "11:00"))
        await book(at(salon, "09:00"), loctician=JONAS)
        slots = (await search(client, salon)).json()["items"]
        (day,) = (await days(client, salon, salon)).json()["items"]
        assert day["start_count"] == len({slot["start"] for slot in slots})
        assert (day["first"], day["last"]) == (slots[0]["start"], slots[-1]["start"])
        assert day["price_from"]["amount"] == min(slot["price"]["amount"] for slot in slots)

    async def test_a_sitting_that_two_locticians_share_counts(
        self, client: httpx.AsyncClient, database: Database, salon: date
    ) -> None:
        await add_repair(database)
        slots = (await search(client, salon, STYLING, REPAIR)).json()["items"]
        (day,) = (await days(client, salon, salon, STYLING, REPAIR)).json()["items"]
        assert slots
        assert day["start_count"] == len(slots)

    async def test_a_booking_that_is_to_be_moved_does_not_stand_in_its_own_way(
        self, client: httpx.AsyncClient, book: Book, open_on: OpenOn, sign_in: SignIn, salon: date
    ) -> None:
        day = salon + timedelta(days=7)
        await open_on(day, ("10:00", "11:30"))
        customer = sign_in()
        booked = (await book(at(day, "10:00"), customer=customer.id)).json()
        period = {"from": day.isoformat(), "to": day.isoformat()}
        (full,) = (await customer.get("/slots/days", service_id=str(RETWIST), **period)).json()["items"]
        (own,) = (await customer.get("/slots/days", booking_id=booked["id"], **period)).json()["items"]
        assert (full["start_count"], own["start_count"], own["first"]) == (0, 1, at(day, "10:00").isoformat())

    async def test_another_ones_booking_is_404_and_nobodys_call_401(
        self, client: httpx.AsyncClient, book: Book, sign_in: SignIn, salon: date
    ) -> None:
        booked = (await book(at(salon, "10:00"))).json()
        assert code(await sign_in().get("/slots/days", booking_id=booked["id"])) == (404, "not_found")
        assert code(await client.get("/api/v1/slots/days", params={"booking_id": booked["id"]})) == (
            401,
            "unauthorized",
        )

    async def test_without_a_period_it_is_31_days_from_today(self, client: httpx.AsyncClient, salon: date) -> None:
        items = (await client.get("/api/v1/slots/days", params={"service_id": str(RETWIST)})).json()["items"]
        assert len(items) == 31
        assert [item["day"] for item in items if item["start_count"]] == [salon.isoformat()]

    @pytest.mark.parametrize(("length", "status"), [(62, 200), (63, 422), (0, 422)])
    async def test_62_days_at_most(self, client: httpx.AsyncClient, salon: date, length: int, status: int) -> None:
        answer = await days(client, salon, salon + timedelta(days=length - 1))
        assert answer.status_code == status
        if status == 422:
            assert (answer.json()["code"], answer.json()["days"]) == ("range_too_long", 62)

    @pytest.mark.parametrize(
        ("treatment", "more", "error"),
        [
            (RETIRED, {}, "unknown_treatment"),
            (UUID(int=99), {}, "unknown_treatment"),
            (STYLING, {"loctician_id": str(JONAS)}, "treatment_not_offered"),
            (STYLING, {"loctician_id": str(UUID(int=99))}, "unknown_loctician"),
        ],
    )
    async def test_what_nobody_offers_is_an_error(
        self, client: httpx.AsyncClient, salon: date, treatment: UUID, more: dict[str, str], error: str
    ) -> None:
        assert code(await days(client, salon, salon, treatment, **more)) == (422, error)

    async def test_the_days_of_both_clock_changes(
        self, client: httpx.AsyncClient, salon: date, open_on: OpenOn, set_clock: SetClock
    ) -> None:
        for day, starts in ((date(2027, 3, 28), 88), (date(2027, 10, 31), 96)):
            await open_on(day, ("00:00", "23:45"))
            await set_clock(at(day, "12:00") - timedelta(days=30))
            (row,) = (await days(client, day, day, STYLING, loctician_id=str(AMINA))).json()["items"]
            assert (row["start_count"], row["first"]) == (starts, at(day, "00:00").isoformat())


class TestPages:
    @pytest.mark.parametrize("limit", [1, 2, 7, 28, 56, 57])
    async def test_the_pages_together_are_the_whole(self, client: httpx.AsyncClient, salon: date, limit: int) -> None:
        whole = (await search(client, salon)).json()
        assert (len(whole["items"]), whole["next_cursor"]) == (56, None)
        assert await all_pages(client, salon, limit=limit) == whole["items"]

    async def test_so_are_those_of_shared_sittings(
        self, client: httpx.AsyncClient, database: Database, salon: date
    ) -> None:
        await add_repair(database)
        whole = (await search(client, salon, STYLING, REPAIR)).json()["items"]
        assert len(whole) > 3
        assert await all_pages(client, salon, STYLING, REPAIR, limit=3) == whole

    async def test_so_are_those_of_a_booking_that_is_to_be_moved(
        self, book: Book, sign_in: SignIn, salon: date
    ) -> None:
        customer = sign_in()
        booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
        period = {"from": salon.isoformat(), "to": salon.isoformat(), "booking_id": booked["id"]}
        whole = (await customer.get("/slots", **period)).json()["items"]
        first = (await customer.get("/slots", **period, limit="20")).json()
        second = (await customer.get("/slots", **period, cursor=first["next_cursor"])).json()
        assert first["items"] + second["items"] == whole
        assert second["next_cursor"] is None

    async def test_october_is_one_search(
        self, client: httpx.AsyncClient, salon: date, open_on: OpenOn, set_clock: SetClock
    ) -> None:
        await set_clock(at(date(2027, 9, 30), "12:00"))
        for day in (date(2027, 10, 1), date(2027, 10, 31)):
            await open_on(day, ("09:00", "10:00"))
        params = {"service_id": str(STYLING), "from": "2027-10-01", "to": "2027-10-31"}
        answer = await client.get("/api/v1/slots", params=params)
        assert [slot["start"] for slot in answer.json()["items"]] == [
            "2027-10-01T09:00:00+02:00", "2027-10-31T09:00:00+01:00",
        ]  # fmt: skip
        assert answer.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("cursor", ["x", "W10", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwWiIsICJ4Il0"])
    async def test_a_cursor_that_is_none_of_ours_is_422(
        self, client: httpx.AsyncClient, salon: date, cursor: str
    ) -> None:
        assert code(await search(client, salon, cursor=cursor)) == (422, "invalid_cursor")
