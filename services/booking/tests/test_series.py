"""Series of appointments."""

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
    SignIn,
    at,
    booking_body,
    code,
    set_rules,
)
from shared.testing.types import Outbox


@pytest.fixture
async def weeks(salon: date, open_on: OpenOn) -> list[date]:
    """The salon's day and the same day of the three weeks after, all open."""
    days = [salon + timedelta(weeks=week) for week in range(4)]
    for day in days[1:]:
        await open_on(day, ("09:00", "17:00"))
    return days


async def series(caller: Caller, day: date, *services: UUID, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {"Idempotency_Key": key} if key else {}
    body = booking_body(at(day, "10:00"), *services) | {"every_weeks": 1, "times": 4}
    return await caller.post("/bookings/series", body | more, **headers)


class TestSeries:
    async def test_books_each_date_or_gives_the_reason(
        self, customer: Caller, weeks: list[date], book: Book, open_on: OpenOn, outbox: Outbox
    ) -> None:
        await book(at(weeks[1], "10:00"))
        await open_on(weeks[2], closed_for="holiday")
        answer = await series(customer, weeks[0])
        items = answer.json()["items"]
        assert answer.status_code == 201
        assert [item["start"] for item in items] == [at(day, "10:00").isoformat() for day in weeks]
        assert [item["reason"] for item in items] == [None, "slot_taken", "holiday", None]
        booked = [item["booking"] for item in items if item["booking"]]
        assert {booking["series_id"] for booking in booked} == {answer.json()["series_id"]}
        assert len((await customer.get("/bookings")).json()["items"]) == 2
        assert len(await outbox()) == 3

    async def test_the_same_key_books_once(self, customer: Caller, weeks: list[date]) -> None:
        answers = [await series(customer, weeks[0], key="s-1") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert len((await customer.get("/bookings")).json()["items"]) == 4
        assert code(await series(customer, weeks[0], key="s-1", times=3)) == (422, "idempotency_key_reused")

    async def test_is_a_conflict_if_no_date_can_be_booked(self, customer: Caller, salon: date, book: Book) -> None:
        await book(at(salon, "10:00"))
        refused = await series(customer, salon)
        assert code(refused) == (409, "nothing_booked")
        reasons = [item["reason"] for item in refused.json()["items"]]
        assert reasons == ["slot_taken", "outside_hours", "outside_hours", "outside_hours"]

    async def test_of_a_treatment_that_nobody_offers_is_refused(self, customer: Caller, salon: date) -> None:
        assert code(await series(customer, salon, RETIRED)) == (422, "unknown_treatment")
        assert code(await series(customer, salon, DETOX, loctician_id=str(JONAS))) == (422, "treatment_not_offered")

    async def test_stops_at_the_limit_of_upcoming_bookings(
        self, customer: Caller, weeks: list[date], sign_in: SignIn
    ) -> None:
        await set_rules(sign_in, open_bookings_per_customer=2)
        items = (await series(customer, weeks[0], STYLING)).json()["items"]
        assert [item["reason"] for item in items] == [None, None, "too_many_open", "too_many_open"]

    async def test_does_not_overlap_other_bookings_of_the_customer(
        self, customer: Caller, weeks: list[date], book: Book, open_on: OpenOn
    ) -> None:
        await open_on(weeks[1], ("09:00", "17:00"), loctician=JONAS)
        await book(at(weeks[1], "10:30"), loctician=JONAS, customer=customer.id)
        items = (await series(customer, weeks[0])).json()["items"]
        assert [item["reason"] for item in items] == [None, "customer_overlap", None, None]

    async def test_is_for_oneself_and_within_limits(self, customer: Caller, salon: date, sign_in: SignIn) -> None:
        assert code(await series(customer, salon, customer_id=str(uuid4()))) == (403, "not_for_others")
        assert code(await series(sign_in("staff"), salon)) == (422, "customer_required")
        for wrong in ({"times": 1}, {"times": 27}, {"every_weeks": 0}, {"every_weeks": 1.5}, {"status": "pending"}):
            assert code(await series(customer, salon, **wrong)) == (422, "invalid_input")

    def test_keeps_the_local_time_when_the_clock_changes(self) -> None:
        first = datetime(2027, 3, 22, 10, tzinfo=COPENHAGEN)
        request = SeriesRequest(service_ids=[STYLING], start=first.astimezone(UTC), every_weeks=1, times=2)
        dates = starts_of(request)
        assert [start.isoformat() for start in dates] == ["2027-03-22T10:00:00+01:00", "2027-03-29T10:00:00+02:00"]

    @pytest.mark.parametrize(
        ("start", "weeks", "expected"),
        [
            ("2027-03-21T02:30:00+01:00", 1, "2027-03-28T03:00:00+02:00"),
            ("2027-03-21T03:00:00+01:00", 1, "2027-03-28T03:00:00+02:00"),
            ("2027-10-24T02:30:00+02:00", 1, "2027-10-31T02:30:00+02:00"),
            ("2026-10-25T02:30:00+01:00", 1, "2026-11-01T02:30:00+01:00"),
            ("2027-09-05T02:30:00+02:00", 8, "2027-10-31T02:30:00+02:00"),
        ],
    )
    def test_reads_a_skipped_or_repeated_time_as_calendar_reads_an_opening(
        self, start: str, weeks: int, expected: str
    ) -> None:
        request = SeriesRequest(service_ids=[STYLING], start=datetime.fromisoformat(start), every_weeks=weeks, times=2)
        first, second = starts_of(request)
        assert (first.isoformat(), second.isoformat()) == (start, expected)


class TestCancellation:
    @pytest.fixture
    async def booked(self, customer: Caller, weeks: list[date]) -> dict[str, Any]:
        return dict((await series(customer, weeks[0])).json())

    async def test_of_the_whole_series(
        self, booked: dict[str, Any], customer: Caller, weeks: list[date], outbox: Outbox
    ) -> None:
        path = f"/bookings/series/{booked['series_id']}/cancel"
        cancelled = await customer.post(path, {"reason": "Jeg flytter."})
        items = cancelled.json()["items"]
        assert cancelled.status_code == 200
        assert [item["start"] for item in items] == [at(day, "10:00").isoformat() for day in weeks]
        assert {(item["booking"]["status"], item["booking"]["cancel_reason"]) for item in items} == {
            ("cancelled", "Jeg flytter.")
        }
        events = [event for event in await outbox() if event["type"] == "booking.cancelled.v1"]
        assert {event["data"]["series_id"] for event in events} == {booked["series_id"]}
        assert (await customer.post(path)).json()["items"] == []

    async def test_from_a_date_on(self, booked: dict[str, Any], customer: Caller, weeks: list[date]) -> None:
        moved = booked["items"][3]["booking"]
        await customer.put(f"/bookings/{moved['id']}", {"start": at(weeks[1], "14:00").isoformat()}, moved["version"])
        since = {"from": at(weeks[1], "10:01").isoformat()}
        items = (await customer.post(f"/bookings/series/{booked['series_id']}/cancel", since)).json()["items"]
        assert [item["start"] for item in items] == [
            at(weeks[1], "14:00").isoformat(),
            at(weeks[2], "10:00").isoformat(),
        ]
        kept = (await customer.get("/bookings", status="confirmed")).json()["items"]
        assert [booking["start"] for booking in kept] == [at(day, "10:00").isoformat() for day in weeks[:2]]

    async def test_of_somebody_else_finds_nothing(self, booked: dict[str, Any], sign_in: SignIn) -> None:
        path = f"/bookings/series/{booked['series_id']}/cancel"
        assert code(await sign_in().post(path)) == (404, "not_found")
        assert code(await sign_in("loctician", JONAS).post(path)) == (404, "not_found")
        assert len((await sign_in("staff").post(path)).json()["items"]) == 4
