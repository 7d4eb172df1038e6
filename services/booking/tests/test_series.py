from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.clock import COPENHAGEN
from services.booking.series.schemas import SeriesRequest
from services.booking.series.service import starts_of
from services.booking.tests.conftest import (  # fmt: skip
    DETOX,
    JONAS,
    RETIRED,
    STYLING,
    Book,
    Caller,
    OpenOn,
    Outbox,
    SignIn,
    asking,
    at,
    choose,
    code,
)


@pytest.fixture
def customer(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
async def weeks(salon: date, open_on: OpenOn) -> list[date]:
    """The salon's day and the same day of the three weeks after, all open."""
    days = [salon + timedelta(weeks=week) for week in range(4)]
    for day in days[1:]:
        await open_on(day, ("09:00", "17:00"))
    return days


async def series(who: Caller, day: date, *services: UUID, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {"Idempotency_Key": key} if key else {}
    body = asking(at(day, "10:00"), *services) | {"every_weeks": 1, "times": 4}
    return await who.post("/bookings/series", body | more, **headers)


class TestSeries:
    async def test_books_each_date_or_says_why_not(
        self, customer: Caller, weeks: list[date], book: Book, open_on: OpenOn, outbox: Outbox
    ) -> None:
        await book(at(weeks[1], "10:00"))
        await open_on(weeks[2], closed_for="holiday")
        answer = await series(customer, weeks[0])
        items = answer.json()["items"]
        assert answer.status_code == 201
        assert [one["start"] for one in items] == [at(day, "10:00").isoformat() for day in weeks]
        assert [one["reason"] for one in items] == [None, "slot_taken", "holiday", None]
        booked = [one["booking"] for one in items if one["booking"]]
        assert {one["series_id"] for one in booked} == {answer.json()["series_id"]}
        assert len((await customer.get("/bookings")).json()["items"]) == 2
        assert len(await outbox()) == 3

    async def test_is_booked_once_under_one_key(self, customer: Caller, weeks: list[date]) -> None:
        answers = [await series(customer, weeks[0], key="s-1") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert len((await customer.get("/bookings")).json()["items"]) == 4
        assert code(await series(customer, weeks[0], key="s-1", times=3)) == (422, "idempotency_key_reused")

    async def test_of_which_no_date_can_be_had_is_a_conflict(self, customer: Caller, salon: date, book: Book) -> None:
        await book(at(salon, "10:00"))
        refused = await series(customer, salon)
        assert code(refused) == (409, "nothing_booked")
        reasons = [one["reason"] for one in refused.json()["items"]]
        assert reasons == ["slot_taken", "outside_hours", "outside_hours", "outside_hours"]

    async def test_of_what_nobody_offers_is_refused_as_a_whole(self, customer: Caller, salon: date) -> None:
        assert code(await series(customer, salon, RETIRED)) == (422, "unknown_treatment")
        assert code(await series(customer, salon, DETOX, loctician_id=str(JONAS))) == (422, "treatment_not_offered")

    async def test_stops_at_the_customer_s_limit(self, customer: Caller, weeks: list[date], sign_in: SignIn) -> None:
        await choose(sign_in, open_bookings_per_customer=2)
        items = (await series(customer, weeks[0], STYLING)).json()["items"]
        assert [one["reason"] for one in items] == [None, None, "too_many_open", "too_many_open"]

    async def test_does_not_overlap_what_the_customer_has(
        self, customer: Caller, weeks: list[date], book: Book, open_on: OpenOn
    ) -> None:
        await open_on(weeks[1], ("09:00", "17:00"), loctician=JONAS)
        await book(at(weeks[1], "10:30"), loctician=JONAS, customer=customer.id)
        items = (await series(customer, weeks[0])).json()["items"]
        assert [one["reason"] for one in items] == [None, "customer_overlap", None, None]

    async def test_is_one_s_own_and_within_bounds(self, customer: Caller, salon: date, sign_in: SignIn) -> None:
        assert code(await series(customer, salon, customer_id=str(uuid4()))) == (403, "not_for_others")
        assert code(await series(sign_in("staff"), salon)) == (422, "customer_required")
        for wrong in ({"times": 1}, {"times": 27}, {"every_weeks": 0}, {"every_weeks": 1.5}, {"status": "pending"}):
            assert code(await series(customer, salon, **wrong)) == (422, "invalid_input")

    def test_keeps_the_hour_of_the_clock_over_a_change(self) -> None:
        first = datetime(2027, 3, 22, 10, tzinfo=COPENHAGEN)
        asked = SeriesRequest(service_ids=[STYLING], start=first.astimezone(UTC), every_weeks=1, times=2)
        dates = starts_of(asked)
        assert [one.isoformat() for one in dates] == ["2027-03-22T10:00:00+01:00", "2027-03-29T10:00:00+02:00"]
