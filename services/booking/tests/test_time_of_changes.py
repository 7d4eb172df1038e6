"""Time that can be booked because of a change of the catalog, a profile, the rules or the customer's own day."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    DETOX,
    JONAS,
    RETIRED,
    RETWIST,
    STYLING,
    Book,
    Caller,
    Offering,
    OpenOn,
    SetClock,
    SignIn,
    at,
    set_rules,
)
from services.booking.tests.test_freed_times import starts_of
from services.booking.tests.test_waitlist import AT_TEN, offer_of, wait
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS

AT_NINE: dict[str, Any] = {"earliest": "09:00", "latest": "10:00"}


async def set_offers(caller: Caller, loctician: UUID, *treatments: UUID, **minutes: int) -> None:
    """`minutes`: the loctician's own duration of each."""
    path = f"/locticians/{loctician}"
    profile = (await caller.get(path)).json()
    offers = [{"service_id": str(treatment), **minutes} for treatment in treatments]
    body = {"display_name": profile["display_name"], "treatments": offers}
    assert (await caller.put(path, body, profile["version"])).status_code == 200


async def change_treatment(sign_in: SignIn, treatment: UUID, **changes: Any) -> None:
    staff = sign_in("staff")
    path = f"/services/{treatment}"
    stored = (await staff.get(path)).json()
    assert (await staff.put(path, stored | changes, stored["version"])).status_code == 200


async def wait_in_vain(day: date, *callers: Caller, services: tuple[UUID, ...] = (), **wish: Any) -> None:
    for caller in callers:
        joined = await wait(caller, day, *services, **wish)
        assert (joined.status_code, joined.json().get("status")) == (201, "waiting"), joined.text


class TestProfiles:
    @pytest.fixture
    async def jonas(self, sign_in: SignIn, salon: date, open_on: OpenOn, offer_freed_times: Offering) -> Caller:
        """Jonas, who does not style yet; Amina, who does, is away."""
        await open_on(salon, closed_for="time_off")
        await offer_freed_times()
        return sign_in("loctician", JONAS)

    async def test_a_newly_performed_treatment_is_offered_to_the_customer_who_waited_longest(
        self, jonas: Caller, first: Caller, second: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        await wait_in_vain(salon, first, second, services=(STYLING,), **AT_NINE)
        await set_offers(jonas, JONAS, RETWIST, STYLING)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "09:00").isoformat(), None]
        assert (await offer_of(first) or {})["loctician_id"] == str(JONAS)

    async def test_whoever_joins_after_the_change_comes_after_those_who_wait(
        self, jonas: Caller, first: Caller, second: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        await wait_in_vain(salon, first, services=(STYLING,), **AT_NINE)
        await set_offers(jonas, JONAS, RETWIST, STYLING)
        await wait_in_vain(salon, second, services=(STYLING,), **AT_NINE)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "09:00").isoformat(), None]

    async def test_a_wish_for_another_treatment_is_looked_after_once_those_before_it_are(
        self, jonas: Caller, first: Caller, second: Caller, salon: date, offer_freed_times: Offering,
        set_clock: SetClock,
    ) -> None:  # fmt: skip
        await set_clock(at(salon, "06:00"))
        await wait_in_vain(salon, first, services=(STYLING,), latest="16:00")
        await set_offers(jonas, JONAS, RETWIST, STYLING)
        await wait_in_vain(salon, second, **AT_NINE | {"latest": "10:30"}, loctician_id=str(JONAS))
        await set_clock(at(salon, "06:01"))
        await first.delete(f"/waitlist/{(await first.get('/waitlist')).json()['items'][0]['id']}")
        await offer_freed_times()
        assert await starts_of(second) == [at(salon, "09:00").isoformat()]

    async def test_a_shorter_duration_fits_times_that_were_too_short(
        self, jonas: Caller, first: Caller, second: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        await set_offers(jonas, JONAS, RETWIST, duration_minutes=90)
        await offer_freed_times()
        await wait_in_vain(salon, first, second, **AT_NINE)
        await set_offers(jonas, JONAS, RETWIST, duration_minutes=60)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "09:00").isoformat(), None]

    async def test_a_declined_time_is_not_offered_again_because_of_another_treatment(
        self, jonas: Caller, first: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        offer = (await wait(first, salon, **AT_NINE)).json()["offer"]
        await first.delete(f"/bookings/holds/{offer['hold_id']}")
        await set_offers(jonas, JONAS, RETWIST, STYLING, DETOX)
        await offer_freed_times()
        assert await starts_of(first) == [None]

    async def test_an_unchanged_profile_frees_nothing(self, jonas: Caller, salon: date, database: Database) -> None:
        await set_offers(jonas, JONAS, RETWIST, duration_minutes=60)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text("SELECT count(*) FROM booking.freed_times"))).scalar_one() == 0


class TestTreatments:
    async def test_one_that_is_back_in_the_catalog_is_offered(
        self, first: Caller, second: Caller, salon: date, sign_in: SignIn, offer_freed_times: Offering, book: Book
    ) -> None:
        booked = await book(at(salon, "09:00"), STYLING)
        await wait_in_vain(salon, first, second, services=(STYLING,), **AT_NINE)
        await change_treatment(sign_in, STYLING, active=False)
        await sign_in("staff").post(f"/bookings/{booked.json()['id']}/cancel")
        await offer_freed_times()
        assert await starts_of(first, second) == [None, None]
        await change_treatment(sign_in, STYLING, active=True)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "09:00").isoformat(), None]

    async def test_a_shorter_one_fits_times_that_were_too_short(
        self, first: Caller, second: Caller, salon: date, sign_in: SignIn, offer_freed_times: Offering
    ) -> None:
        await offer_freed_times()
        wish: dict[str, Any] = {"earliest": "16:00", "latest": "17:00", "loctician_id": str(AMINA)}
        await wait_in_vain(salon, first, second, **wish)
        await change_treatment(sign_in, RETWIST, duration_minutes=60)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "16:00").isoformat(), None]

    async def test_a_new_price_frees_nothing(self, salon: date, sign_in: SignIn, database: Database) -> None:
        await change_treatment(sign_in, RETIRED, active=True)
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("DELETE FROM booking.freed_times"))
        await change_treatment(sign_in, STYLING, price={"amount": 1000, "currency": "DKK"})
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text("SELECT count(*) FROM booking.freed_times"))).scalar_one() == 0


class TestRules:
    async def test_less_notice_is_for_those_who_wait_before_those_who_join(
        self, first: Caller, second: Caller, salon: date, sign_in: SignIn, set_clock: SetClock,
        offer_freed_times: Offering,
    ) -> None:  # fmt: skip
        await offer_freed_times()
        await set_clock(at(salon, "15:30"))
        wish: dict[str, Any] = {"loctician_id": str(JONAS), "earliest": "15:45", "latest": "16:45"}
        await wait_in_vain(salon, first, **wish)
        await set_rules(sign_in, minimum_notice_minutes=0)
        await wait_in_vain(salon, second, **wish)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "15:45").isoformat(), None]

    async def test_a_longer_horizon_is_offered_without_waiting_for_the_next_look(
        self, first: Caller, second: Caller, salon: date, open_on: OpenOn, sign_in: SignIn, offer_freed_times: Offering
    ) -> None:
        await set_rules(sign_in, horizon_days=10)
        far = salon + timedelta(days=40)
        await open_on(far, ("09:00", "17:00"))
        await offer_freed_times()
        await wait_in_vain(far, first, second, services=(STYLING,), **AT_NINE)
        await set_rules(sign_in, horizon_days=60)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(far, "09:00").isoformat(), None]

    async def test_buffers_that_may_lie_outside_hours_again(
        self, first: Caller, second: Caller, salon: date, sign_in: SignIn, offer_freed_times: Offering
    ) -> None:
        await offer_freed_times()
        await set_rules(sign_in, buffers_within_hours=True)
        wish: dict[str, Any] = {"loctician_id": str(AMINA), "earliest": "15:30", "latest": "17:00"}
        await wait_in_vain(salon, first, second, **wish)
        await set_rules(sign_in, buffers_within_hours=False)
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "15:30").isoformat(), None]


class TestTheCustomersOwnDay:
    async def test_a_wish_is_looked_after_again_when_the_customer_cancels_what_was_at_that_time(
        self, first: Caller, salon: date, book: Book, set_clock: SetClock, offer_freed_times: Offering
    ) -> None:
        await set_clock(at(salon, "06:00"))
        await offer_freed_times()
        booked = (await book(at(salon, "10:00"), customer=first.id, loctician=JONAS)).json()
        await wait_in_vain(salon, first, **AT_TEN)
        await first.post(f"/bookings/{booked['id']}/cancel")
        await set_clock(at(salon, "06:01"))
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]

    async def test_another_wish_is_looked_after_again_when_the_offer_in_its_way_is_declined(
        self, first: Caller, salon: date, set_clock: SetClock, offer_freed_times: Offering
    ) -> None:
        await set_clock(at(salon, "06:00"))
        await offer_freed_times()
        offer = (await wait(first, salon, **AT_TEN)).json()["offer"]
        await wait_in_vain(salon, first, **AT_TEN | {"loctician_id": str(JONAS), "latest": "11:00"})
        await set_clock(at(salon, "06:01"))
        await first.delete(f"/bookings/holds/{offer['hold_id']}")
        await set_clock(at(salon, "06:01"))
        await offer_freed_times()
        wishes = (await first.get("/waitlist")).json()["items"]
        assert [wish["offer"] and wish["offer"]["loctician_id"] for wish in wishes] == [None, str(JONAS)]
