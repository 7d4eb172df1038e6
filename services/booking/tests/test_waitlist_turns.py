"""The waitlist: joining while a time is free, turns among many, and what happens at the same moment."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    RETWIST,
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
from services.booking.tests.test_freed_times import starts_of
from services.booking.tests.test_holds import end_expired_holds, hold
from services.booking.tests.test_waitlist import AT_TEN, offer_of, wait
from services.booking.waitlist import offers
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

WISH = text("""
    INSERT INTO booking.waitlist (id, customer_id, treatment_ids, loctician_id, first_day, last_day, earliest, latest,
        queued_at, unexamined)
    VALUES (:id, :customer_id, CAST(:services AS uuid[]), :loctician_id, :first_day, :last_day,
        CAST(CAST(:earliest AS text) AS time), CAST(CAST(:latest AS text) AS time), now() - interval '1 day', false)
""")
BOOKED = text("""
    WITH b AS (
        INSERT INTO booking.bookings (id, customer_id, loctician_ids, status, starts_at, ends_at, price_amount)
        VALUES (gen_random_uuid(), :customer_id, ARRAY[CAST(:loctician AS uuid)], 'confirmed', :start, :end, 0)
        RETURNING *
    )
    INSERT INTO booking.booking_items (id, booking_id, customer_id, loctician_id, treatment_id, place, during, blocked,
        price_amount)
    SELECT gen_random_uuid(), id, customer_id, :loctician, :treatment, 1, tstzrange(starts_at, ends_at),
        tstzrange(starts_at, ends_at), 0 FROM b
""")
# Occupancy of nothing, offers without a hold and holds without an offer.
LEFT_OVER = text("""
    SELECT (SELECT count(*) FROM booking.occupancy o WHERE o.active
            AND NOT EXISTS (SELECT FROM booking.holds h WHERE h.id = o.item_id)
            AND NOT EXISTS (SELECT FROM booking.booking_items i WHERE i.id = o.item_id))
        + (SELECT count(*) FROM booking.waitlist w FULL JOIN booking.holds h ON h.waitlist_id = w.id
            WHERE (w.status = 'offered') IS DISTINCT FROM (h.id IS NOT NULL)
                AND (h.id IS NULL OR h.waitlist_id IS NOT NULL))
""")
ADVISORY = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = :pid AND granted")
WAITERS = text("""
    SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()
""")
Cancel = Callable[[], Awaitable[Any]]


@pytest.fixture
async def taken(book: Book, salon: date, sign_in: SignIn) -> Cancel:
    """Amina's 10:00 is booked by somebody; the call cancels it."""
    customer = sign_in()
    booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
    return lambda: customer.post(f"/bookings/{booked['id']}/cancel")


async def add_wishes(database: Database, day: date, count: int, **wish: Any) -> list[UUID]:
    """Wishes of other customers who have waited for a day. Returns the customers."""
    customers = [uuid4() for _ in range(count)]
    values = {"services": [RETWIST], "loctician_id": AMINA, "first_day": day, "last_day": day} | wish
    times = {"earliest": None, "latest": None} | wish
    async with transaction(database, SERVICE_CLAIMS) as session:
        for customer in customers:
            await session.execute(WISH, values | times | {"id": uuid4(), "customer_id": customer})
    return customers


async def count(database: Database, statement: Any, **values: Any) -> int:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return int((await session.execute(statement, values)).scalar_one())


class TestJoining:
    async def test_is_offered_a_free_time_at_once(self, first: Caller, salon: date, outbox: Outbox, book: Book) -> None:
        joined = await wait(first, salon, loctician_id=str(AMINA), earliest="13:10")
        wish = joined.json()
        assert (joined.status_code, wish["status"], wish["version"]) == (201, "offered", 2)
        assert joined.headers["ETag"] == '"2"'
        assert wish["offer"]["start"] == at(salon, "13:15").isoformat()
        assert (await first.get("/waitlist")).json()["items"] == [wish]
        event = (await outbox())[-1]
        assert (event["type"], event["data"]["offer_id"]) == ("waitlist.offered.v1", wish["offer"]["hold_id"])
        assert (await book(at(salon, "13:15"))).status_code == 409
        booked = await first.post("/bookings", booking_body(wish["offer"]["start"], hold_id=wish["offer"]["hold_id"]))
        assert booked.status_code == 201

    async def test_repeated_gets_the_same_offer(self, first: Caller, salon: date) -> None:
        body = {"service_ids": [str(RETWIST)], "from": salon.isoformat(), "to": salon.isoformat()}
        answers = [await first.post("/waitlist", body, Idempotency_Key="w-1") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert answers[0].json()["offer"]["start"] == at(salon, "09:00").isoformat()

    async def test_is_offered_a_time_of_any_loctician_months_ahead(
        self, first: Caller, salon: date, open_on: OpenOn
    ) -> None:
        far = salon + timedelta(days=120)
        await open_on(far, ("14:00", "17:00"), loctician=JONAS)
        wish = (await wait(first, salon, earliest="16:00", latest="17:00", to=far.isoformat(),
            loctician_id=str(JONAS))).json()  # fmt: skip
        assert wish["offer"]["start"] == at(salon, "16:00").isoformat()
        later = (salon + timedelta(days=1)).isoformat()
        wish = (await wait(first, salon, **{"from": later}, to=far.isoformat())).json()
        assert (wish["offer"]["start"], wish["offer"]["loctician_id"]) == (at(far, "14:00").isoformat(), str(JONAS))

    async def test_is_not_offered_what_the_customer_cannot_take(
        self, first: Caller, salon: date, book: Book, taken: Cancel, set_clock: SetClock
    ) -> None:
        assert (await wait(first, salon, **AT_TEN)).json()["status"] == "waiting"
        await book(at(salon, "13:00"), customer=first.id)
        at_one = {"earliest": "13:00", "latest": "14:00", "loctician_id": str(JONAS)}
        assert (await wait(first, salon, **at_one)).json()["status"] == "waiting"
        await set_clock(at(salon, "15:30"))
        too_soon = {"earliest": "15:00", "latest": "17:00", "loctician_id": str(JONAS)}
        assert (await wait(first, salon, **too_soon)).json()["status"] == "waiting"

    async def test_two_offers_to_a_customer_never_overlap(self, first: Caller, salon: date) -> None:
        wishes = [(await wait(first, salon, latest="10:30")).json() for _ in range(2)]
        assert [wish["status"] for wish in wishes] == ["offered", "waiting"]

    async def test_those_who_have_waited_come_first(
        self, first: Caller, second: Caller, salon: date, open_on: OpenOn, offer_freed_times: Offering
    ) -> None:
        evening = {"earliest": "17:00", "latest": "18:30", "loctician_id": str(AMINA)}
        assert (await wait(first, salon, **evening)).json()["status"] == "waiting"
        await open_on(salon, ("09:00", "18:30"))
        assert (await wait(second, salon, **evening)).json()["status"] == "waiting"
        await offer_freed_times()
        assert await starts_of(first, second) == [at(salon, "17:00").isoformat(), None]

    async def test_is_offered_what_those_who_have_waited_do_not_need(
        self, first: Caller, second: Caller, salon: date, open_on: OpenOn, offer_freed_times: Offering
    ) -> None:
        await offer_freed_times()
        await wait(first, salon, earliest="17:00", latest="18:30", loctician_id=str(AMINA))
        await open_on(salon, ("09:00", "18:30"))
        wish = (await wait(second, salon, STYLING, earliest="16:30")).json()
        assert wish["status"] == "waiting"
        wish = (await wait(second, salon, STYLING, earliest="15:30")).json()
        assert wish["offer"]["start"] == at(salon, "15:30").isoformat()

    async def test_those_who_declined_do_not_come_first(self, first: Caller, second: Caller, salon: date) -> None:
        wish = (await wait(first, salon, **AT_TEN)).json()
        await first.delete(f"/bookings/holds/{wish['offer']['hold_id']}")
        assert (await wait(second, salon, **AT_TEN)).json()["status"] == "offered"
        assert await offer_of(first) is None

    async def test_an_offer_ends_when_its_time_begins(
        self, first: Caller, salon: date, set_clock: SetClock, sign_in: SignIn
    ) -> None:
        await set_rules(sign_in, minimum_notice_minutes=0, offer_minutes=120)
        await set_clock(at(salon, "08:30"))
        offer = (await wait(first, salon)).json()["offer"]
        assert (offer["start"], offer["expires_at"]) == (at(salon, "09:00").isoformat(),) * 2

    async def test_is_looked_after_again_when_less_notice_is_asked_for_or_the_account_is_opened(
        self, first: Caller, second: Caller, salon: date, set_clock: SetClock, sign_in: SignIn, deliver: Any,
        offer_freed_times: Offering,
    ) -> None:  # fmt: skip
        await set_clock(at(salon, "15:30"))
        wishes = [(caller, {"loctician_id": str(chair)}) for caller, chair in ((first, JONAS), (second, AMINA))]
        for caller, wish in wishes:
            assert (await wait(caller, salon, **wish)).json()["status"] == "waiting"
        await deliver("user.deactivated.v1", user_state(first.id, active=False), version=2)
        await set_clock(at(salon, "15:31"))
        await set_rules(sign_in, minimum_notice_minutes=0)
        await offer_freed_times()
        assert await starts_of(first, second) == [None, None]  # Amina needs 90 minutes; the first account is closed
        await deliver("user.reactivated.v1", user_state(first.id), version=3)
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "15:45").isoformat()]


class TestManyWishes:
    async def test_that_do_not_fit_keep_nobody_behind_them_waiting(
        self, first: Caller, taken: Cancel, salon: date, database: Database
    ) -> None:
        unsuited: tuple[dict[str, Any], ...] = (
            {"earliest": "10:15"},
            {"latest": "11:15"},
            {"loctician_id": JONAS},
            {"earliest": "10:00", "latest": "11:00"},
            {"first_day": salon + timedelta(days=1), "last_day": salon + timedelta(days=300)},
        )
        for wish in unsuited:
            await add_wishes(database, salon, 40, **({"earliest": "10:10", "latest": "11:40"} | wish))
        await wait(first, salon, **AT_TEN)
        await taken()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]

    async def test_of_customers_who_are_elsewhere_are_passed_over_run_by_run(
        self, first: Caller, taken: Cancel, salon: date, database: Database, offer_freed_times: Offering,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(offers, "MOST_WISHES", 2)
        await wait(first, salon, **AT_TEN)
        during = {"start": at(salon, "10:30"), "end": at(salon, "10:45"), "loctician": JONAS, "treatment": RETWIST}
        for customer in await add_wishes(database, salon, 5, earliest="10:00", latest="11:30"):
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(BOOKED, during | {"customer_id": customer})
        await taken()
        assert await starts_of(first) == [None]
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]


class TestBuffers:
    """A retwist keeps Amina for fifteen minutes after it; those belong to what is freed."""

    AFTER: ClassVar[dict[str, Any]] = {"earliest": "11:30", "latest": "12:30", "loctician_id": str(AMINA)}

    async def test_of_a_replaced_hold_are_offered(
        self, first: Caller, second: Caller, salon: date, offer_freed_times: Offering
    ) -> None:
        await hold(second, at(salon, "10:00"))
        assert (await wait(first, salon, STYLING, **self.AFTER)).json()["status"] == "waiting"
        await offer_freed_times()
        await hold(second, at(salon, "14:00"))
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "11:30").isoformat()]

    @pytest.mark.parametrize("ending", ["released", "lapsed", "taken over"])
    async def test_of_a_hold_that_ends_are_offered(
        self, first: Caller, second: Caller, salon: date, set_clock: SetClock, database: Database, ending: str,
        book: Book,
    ) -> None:  # fmt: skip
        await set_clock(at(salon, "06:00"))
        held = (await hold(second, at(salon, "10:00"))).json()
        assert (await wait(first, salon, STYLING, **self.AFTER)).json()["status"] == "waiting"
        if ending == "released":
            await second.delete(f"/bookings/holds/{held['id']}")
        else:
            await set_clock(at(salon, "06:16"))
            if ending == "taken over":
                assert (await book(at(salon, "09:30"), STYLING)).status_code == 201
            await end_expired_holds(database)
        assert await starts_of(first) == [at(salon, "11:30").isoformat()]

    async def test_of_a_cancelled_booking_are_offered(self, first: Caller, taken: Cancel, salon: date) -> None:
        await wait(first, salon, STYLING, **self.AFTER)
        await taken()
        assert await starts_of(first) == [at(salon, "11:30").isoformat()]
