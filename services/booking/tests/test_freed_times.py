"""Time that comes free without a booking being cancelled or moved: hours opened, holds let go, accounts closed."""

from datetime import UTC, date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.booking import privacy
from services.booking.main import SERVICE
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    STYLING,
    Book,
    Caller,
    Offering,
    OpenOn,
    SetClock,
    SignIn,
    at,
    booking_body,
    set_rules,
    user_state,
)
from services.booking.tests.test_holds import end_expired_holds, hold
from services.booking.tests.test_waitlist import offer_of, wait
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import run_once
from shared.testing.types import Outbox

JOBS = {job.name: job for job in SERVICE.jobs}


async def starts_of(*people: Caller) -> list[str | None]:
    offers = [await offer_of(caller) for caller in people]
    return [offer["start"] if offer else None for offer in offers]


class TestHours:
    async def test_longer_hours_go_to_the_customer_who_waited_longest(
        self, first: Caller, second: Caller, salon: date, open_on: OpenOn, offer_freed_times: Offering, book: Book
    ) -> None:
        for caller in (first, second):
            await wait(caller, salon, earliest="17:00", latest="18:30", loctician_id=str(AMINA))
        await open_on(salon, ("09:00", "18:30"))
        await offer_freed_times()
        evening = at(salon, "17:00")
        assert await starts_of(first, second) == [evening.isoformat(), None]
        assert (await book(evening)).status_code == 409

    async def test_a_cancelled_day_off_is_offered(
        self, first: Caller, salon: date, open_on: OpenOn, offer_freed_times: Offering
    ) -> None:
        await open_on(salon, closed_for="time_off")
        await wait(first, salon, loctician_id=str(AMINA))
        await offer_freed_times()
        assert await starts_of(first) == [None]
        await open_on(salon, ("09:00", "17:00"))
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "09:00").isoformat()]

    async def test_an_hour_that_is_no_longer_blocked_is_offered(
        self, first: Caller, salon: date, open_on: OpenOn, offer_freed_times: Offering
    ) -> None:
        await open_on(salon, ("09:00", "10:00"), ("12:00", "17:00"))
        await offer_freed_times()
        await wait(first, salon, loctician_id=str(AMINA), latest="12:00")
        await open_on(salon, ("09:00", "17:00"))
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]

    async def test_hours_that_shrink_or_arrive_late_offer_nothing(
        self, first: Caller, salon: date, open_on: OpenOn, offer_freed_times: Offering
    ) -> None:
        await offer_freed_times()
        await wait(first, salon, earliest="15:00", latest="18:00", loctician_id=str(AMINA))
        assert await starts_of(first) == [at(salon, "15:00").isoformat()]
        await first.delete(f"/bookings/holds/{(await offer_of(first) or {})['hold_id']}")
        await offer_freed_times()
        await open_on(salon, ("09:00", "15:00"), version=900)
        await open_on(salon, ("08:00", "20:00"), version=899)
        await offer_freed_times()
        assert await starts_of(first) == [None]

    async def test_many_freed_days_reach_each_wish_once_and_offer_no_time_twice(
        self, sign_in: SignIn, salon: date, open_on: OpenOn, offer_freed_times: Offering
    ) -> None:
        people = [sign_in() for _ in range(4)]
        later = [salon + timedelta(days=day) for day in range(1, 4)]
        for caller in people:
            await wait(caller, later[0], STYLING, to=later[2].isoformat())
        for day in later:
            await open_on(day, ("09:00", "11:00"))
        await offer_freed_times()
        wanted = [at(day, clock).isoformat() for day in later[:2] for clock in ("09:00", "10:00")]
        assert await starts_of(*people) == wanted

    async def test_hours_of_a_loctician_who_comes_back_are_offered(
        self, first: Caller, salon: date, deliver: Any, offer_freed_times: Offering, open_on: OpenOn
    ) -> None:
        await open_on(salon, loctician=JONAS)
        await deliver("user.deactivated.v1", user_state(AMINA, "loctician", active=False), version=3)
        assert (await wait(first, salon)).json()["status"] == "waiting"
        await offer_freed_times()
        assert await starts_of(first) == [None]
        await deliver("user.reactivated.v1", user_state(AMINA, "loctician"), version=4)
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "09:00").isoformat()]

    async def test_gone_by_are_no_openings(self, salon: date, open_on: OpenOn, database: Database) -> None:
        await open_on(salon - timedelta(days=30), ("09:00", "17:00"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            days = await session.execute(
                text("SELECT DISTINCT booking.local_day(lower(times)) FROM booking.freed_times")
            )
        assert days.scalars().all() == [salon]


class TestHorizon:
    @pytest.fixture
    def look_ahead(self, database: Database, offer_freed_times: Offering) -> Offering:
        async def run() -> None:
            assert await run_once(database, JOBS["extend_horizon"]) == "done"
            await offer_freed_times()

        return run

    async def test_a_day_that_comes_within_the_horizon_is_offered(
        self, first: Caller, salon: date, open_on: OpenOn, set_clock: SetClock, sign_in: SignIn, look_ahead: Offering
    ) -> None:
        await set_rules(sign_in, horizon_days=10)
        far = salon + timedelta(days=10)
        await open_on(far, ("09:00", "17:00"))
        reached = at(far, "09:00").astimezone(UTC) - timedelta(days=10)
        await set_clock(reached - timedelta(hours=3))
        await look_ahead()
        await wait(first, far, STYLING)
        await set_clock(reached - timedelta(minutes=1))
        await look_ahead()
        assert await starts_of(first) == [None]
        await set_clock(reached + timedelta(minutes=20))
        await look_ahead()
        assert await starts_of(first) == [at(far, "09:00").isoformat()]

    async def test_a_longer_horizon_frees_the_days_between(
        self, first: Caller, salon: date, open_on: OpenOn, set_clock: SetClock, sign_in: SignIn, look_ahead: Offering
    ) -> None:
        await set_rules(sign_in, horizon_days=10)
        far = salon + timedelta(days=40)
        await open_on(far, ("09:00", "17:00"))
        await set_clock(at(salon, "06:00"))
        await look_ahead()
        await wait(first, far, STYLING)
        await set_rules(sign_in, horizon_days=60)
        await look_ahead()
        assert await starts_of(first) == [at(far, "09:00").isoformat()]


class TestHolds:
    async def test_the_time_of_an_expired_hold_is_offered(
        self, first: Caller, sign_in: SignIn, salon: date, set_clock: SetClock, database: Database
    ) -> None:
        await set_clock(at(salon, "06:00"))
        await hold(sign_in(), at(salon, "10:00"))
        await wait(first, salon, earliest="10:00", latest="11:30", loctician_id=str(AMINA))
        await set_clock(at(salon, "06:16"))
        await end_expired_holds(database)
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]

    async def test_the_time_of_a_replaced_hold_is_offered(
        self, first: Caller, second: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        await hold(second, at(salon, "10:00"))
        await wait(first, salon, earliest="10:00", latest="11:30", loctician_id=str(AMINA))
        assert (await hold(second, at(salon, "14:00"))).status_code == 201
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]

    async def test_a_hold_moved_a_little_offers_only_what_is_left(
        self, first: Caller, second: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        await hold(second, at(salon, "10:00"))
        await wait(first, salon, earliest="10:00", latest="11:45", loctician_id=str(AMINA))
        assert (await hold(second, at(salon, "10:15"))).status_code == 201
        await offer_freed_times()
        assert await starts_of(first) == [None]

    async def test_the_time_of_a_hold_unused_by_a_booking_is_offered(
        self, first: Caller, second: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        await hold(second, at(salon, "10:00"))
        await wait(first, salon, earliest="10:00", latest="11:30", loctician_id=str(AMINA))
        assert (await second.post("/bookings", booking_body(at(salon, "14:00")))).status_code == 201
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]


class TestAccounts:
    @pytest.fixture
    async def offered(self, first: Caller, second: Caller, book: Book, salon: date, sign_in: SignIn) -> None:
        """Both wait for Amina's 10:00; the first has two wishes that it suits, and the offer."""
        leaver = sign_in()
        booked = (await book(at(salon, "10:00"), customer=leaver.id)).json()
        for caller in (first, first, second):
            await wait(caller, salon, earliest="10:00", latest="11:30", loctician_id=str(AMINA))
        await leaver.post(f"/bookings/{booked['id']}/cancel")

    async def test_the_offer_of_an_erased_account_goes_to_the_next(
        self, offered: None, first: Caller, second: Caller, salon: date, database: Database, outbox: Outbox
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            proof = await privacy.erase(session, first.id)
        assert (proof["holds"], proof["waitlist"]) == (1, 2)
        assert await starts_of(second) == [at(salon, "10:00").isoformat()]
        assert (await first.get("/waitlist")).json()["items"] == []
        types = [event["type"] for event in await outbox() if event["type"].startswith("waitlist")]
        assert types == ["waitlist.offered.v1", "waitlist.expired.v1", "waitlist.offered.v1"]

    async def test_an_erased_account_is_not_offered_its_own_booking(
        self, first: Caller, second: Caller, book: Book, salon: date, database: Database
    ) -> None:
        await book(at(salon, "10:00"), customer=first.id)
        await book(at(salon, "14:00"), customer=second.id)
        for caller in (first, second):
            await wait(caller, salon, earliest="10:00", latest="11:30", loctician_id=str(AMINA))
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, first.id)
        assert await starts_of(second) == [at(salon, "10:00").isoformat()]

    async def test_the_offer_of_a_closed_account_goes_to_the_next(
        self, offered: None, first: Caller, second: Caller, salon: date, deliver: Any, offer_freed_times: Offering,
        open_on: OpenOn,
    ) -> None:  # fmt: skip
        await deliver("user.deactivated.v1", user_state(first.id, active=False), version=2)
        assert await starts_of(second) == [at(salon, "10:00").isoformat()]
        await open_on(salon, ("12:00", "17:00"))
        await open_on(salon, ("09:00", "17:00"))
        await offer_freed_times()
        assert {item["status"] for item in (await first.get("/waitlist")).json()["items"]} == {"waiting"}

    async def test_older_events_do_not_close_a_reopened_account(self, salon: date, deliver: Any, book: Book) -> None:
        await deliver("user.reactivated.v1", user_state(AMINA, "loctician"), version=4)
        await deliver("user.deactivated.v1", user_state(AMINA, "loctician", active=False), version=3)
        assert (await book(at(salon, "10:00"))).status_code == 201
