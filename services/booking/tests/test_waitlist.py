"""The waitlist: who is offered a time that becomes free, and who can join."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.events import WaitlistAccepted, WaitlistExpired, WaitlistOffered
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
    booking_body,
    code,
)
from services.booking.tests.test_concurrency import overlaps
from services.booking.tests.test_holds import end_expired_holds
from shared.database.session import Database
from shared.testing.types import Outbox


async def wait(caller: Caller, day: date, *services: UUID, **more: Any) -> httpx.Response:
    body = {
        "service_ids": [str(service) for service in services or (RETWIST,)],
        "from": day.isoformat(), "to": day.isoformat(),
    }  # fmt: skip
    return await caller.post("/waitlist", body | more)


async def offer_of(caller: Caller) -> dict[str, Any] | None:
    [entry] = (await caller.get("/waitlist")).json()["items"]
    assert (entry["status"] == "offered") == (entry["offer"] is not None)
    offer: dict[str, Any] | None = entry["offer"]
    return offer


AT_TEN: dict[str, Any] = {"earliest": "10:00", "latest": "11:30", "loctician_id": str(AMINA)}


@pytest.fixture
async def taken(book: Book, salon: date, sign_in: SignIn) -> Callable[[], Awaitable[httpx.Response]]:
    """Amina's 10:00 is booked by somebody; the call cancels it."""
    customer = sign_in()
    booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
    return lambda: customer.post(f"/bookings/{booked['id']}/cancel")


class TestOffering:
    async def test_a_cancelled_time_goes_to_the_customer_who_waited_longest(
        self, first: Caller, second: Caller, taken: Any, salon: date, book: Book, outbox: Outbox
    ) -> None:
        for caller in (first, second):
            assert (await wait(caller, salon, **AT_TEN)).status_code == 201
        await taken()
        offer = await offer_of(first)
        assert offer is not None
        assert offer["loctician_id"] == str(AMINA)
        assert await offer_of(second) is None
        event = WaitlistOffered.model_validate((await outbox())[-1]["data"])
        assert (event.customer_id, str(event.offer_id)) == (first.id, offer["hold_id"])
        assert (await book(offer["start"])).status_code == 409

    async def test_is_accepted_by_booking_it(self, first: Caller, taken: Any, salon: date, outbox: Outbox) -> None:
        await wait(first, salon, **AT_TEN)
        await taken()
        offer = await offer_of(first)
        assert offer is not None
        body = booking_body(offer["start"], loctician=None, hold_id=offer["hold_id"])
        booked = await first.post("/bookings", body)
        assert (booked.status_code, booked.json()["start"]) == (201, offer["start"])
        accepted = [event for event in await outbox() if event["type"] == "waitlist.accepted.v1"]
        assert str(WaitlistAccepted.model_validate(accepted[0]["data"]).offer_id) == offer["hold_id"]
        assert (await first.get("/waitlist")).json()["items"][0]["status"] == "accepted"

    async def test_an_expired_offer_goes_to_the_next_and_not_to_the_same_again(
        self, first: Caller, second: Caller, taken: Any, salon: date, set_clock: SetClock, database: Database,
        outbox: Outbox,
    ) -> None:  # fmt: skip
        await set_clock(at(salon, "06:00"))
        for caller in (first, second):
            await wait(caller, salon, **AT_TEN)
        await taken()
        assert await offer_of(first)
        await set_clock(at(salon, "06:31"))
        await end_expired_holds(database)
        assert await offer_of(first) is None
        assert await offer_of(second)
        expired = [event for event in await outbox() if event["type"] == "waitlist.expired.v1"]
        assert WaitlistExpired.model_validate(expired[0]["data"]).customer_id == first.id
        await set_clock(at(salon, "07:02"))
        await end_expired_holds(database)
        assert await offer_of(first)
        assert await offer_of(second) is None

    async def test_a_declined_offer_goes_to_the_next(
        self, first: Caller, second: Caller, taken: Any, salon: date
    ) -> None:
        for caller in (first, second):
            await wait(caller, salon, **AT_TEN)
        await taken()
        offer = await offer_of(first)
        assert offer is not None
        assert (await first.delete(f"/bookings/holds/{offer['hold_id']}")).status_code == 204
        assert await offer_of(first) is None
        assert await offer_of(second)

    async def test_leaving_the_list_gives_the_offer_to_the_next(
        self, first: Caller, second: Caller, taken: Any, salon: date
    ) -> None:
        entry = (await wait(first, salon, **AT_TEN)).json()
        await wait(second, salon, **AT_TEN)
        await taken()
        assert (await first.delete(f"/waitlist/{entry['id']}")).status_code == 204
        assert (await first.get("/waitlist")).json()["items"] == []
        assert await offer_of(second)

    async def test_only_times_that_suit_the_wish(
        self, sign_in: SignIn, taken: Any, salon: date, open_on: OpenOn
    ) -> None:
        await open_on(salon, loctician=JONAS)
        unsuited = [
            {"earliest": "14:00", "latest": "15:00"}, {"latest": "09:30"}, {"loctician_id": str(JONAS)},
            {"from": (salon + timedelta(days=1)).isoformat(), "to": (salon + timedelta(days=9)).isoformat()},
        ]  # fmt: skip
        waiting = [sign_in() for _ in unsuited]
        for caller, wish in zip(waiting, unsuited, strict=True):
            assert (await wait(caller, salon, **wish)).status_code == 201
        await taken()
        assert [await offer_of(caller) for caller in waiting] == [None] * 4

    async def test_a_moved_booking_offers_its_old_time(
        self, book: Book, first: Caller, sign_in: SignIn, salon: date
    ) -> None:
        mover = sign_in()
        booked = (await book(at(salon, "10:00"), customer=mover.id)).json()
        await wait(first, salon, **AT_TEN)
        await mover.put(f"/bookings/{booked['id']}", {"start": at(salon, "14:00").isoformat()}, 1)
        offer = await offer_of(first)
        assert offer is not None
        assert offer["start"] == at(salon, "10:00").isoformat()

    async def test_the_rest_of_a_long_time_goes_to_the_next(
        self, book: Book, first: Caller, second: Caller, sign_in: SignIn, salon: date
    ) -> None:
        long = sign_in()
        booked = (await book(at(salon, "09:00"), RETWIST, STYLING, customer=long.id)).json()
        for caller in (first, second):
            await wait(caller, salon, STYLING, latest="11:30")
        await long.post(f"/bookings/{booked['id']}/cancel")
        offers = [await offer_of(caller) for caller in (first, second)]
        assert [offer["start"] if offer else None for offer in offers] == [
            at(salon, clock).isoformat() for clock in ("09:00", "10:00")
        ]

    async def test_concurrent_cancellations_never_offer_a_time_twice(
        self, book: Book, sign_in: SignIn, salon: date, owner: AsyncEngine, offer_freed_times: Offering
    ) -> None:
        customers = [sign_in() for _ in range(6)]
        clocks = ["09:00", "11:00", "13:00"] * 2
        chairs = [AMINA] * 3 + [JONAS] * 3
        bookings = [
            (await book(at(salon, clock), customer=caller.id, loctician=chair)).json()
            for caller, clock, chair in zip(customers, clocks, chairs, strict=True)
        ]
        waiting = [sign_in() for _ in range(10)]
        for caller in waiting:
            await wait(caller, salon, latest="14:30")
        answers = await asyncio.gather(
            *(
                caller.post(f"/bookings/{booking['id']}/cancel")
                for caller, booking in zip(customers, bookings, strict=True)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        await offer_freed_times()
        offers = [offer for caller in waiting if (offer := await offer_of(caller))]
        assert len(offers) >= 6
        assert len({(offer["loctician_id"], offer["start"]) for offer in offers}) == len(offers)
        assert await overlaps(owner) == 0


class TestWishes:
    async def test_belong_to_their_customer(self, first: Caller, second: Caller, sign_in: SignIn, salon: date) -> None:
        entry = (await wait(first, salon)).json()
        assert (await second.get("/waitlist")).json()["items"] == []
        assert (await second.get("/waitlist", customer_id=str(first.id))).json()["items"] == []
        assert code(await second.delete(f"/waitlist/{entry['id']}")) == (404, "not_found")
        seen = (await sign_in("staff").get("/waitlist", customer_id=str(first.id))).json()["items"]
        assert [booking["id"] for booking in seen] == [entry["id"]]

    async def test_are_paged(self, first: Caller, sign_in: SignIn, salon: date) -> None:
        ids = [(await wait(first, salon + timedelta(days=day))).json()["id"] for day in range(3)]
        staff = sign_in("staff")
        page = (await staff.get("/waitlist", limit="2")).json()
        rest = (await staff.get("/waitlist", limit="2", cursor=page["next_cursor"])).json()
        assert [item["id"] for item in page["items"] + rest["items"]] == ids
        assert rest["next_cursor"] is None

    async def test_are_for_oneself_and_within_limits(self, first: Caller, salon: date, sign_in: SignIn) -> None:
        assert code(await wait(first, salon, customer_id=str(uuid4()))) == (403, "not_for_others")
        assert code(await wait(sign_in("staff"), salon)) == (422, "customer_required")
        bad: list[dict[str, Any]] = [
            {"to": (salon - timedelta(days=1)).isoformat()}, {"to": "2100-01-01"},
            {"from": "2026-02-30"}, {"earliest": "12:00", "latest": "11:00"}, {"earliest": "10:00+02:00"},
            {"earliest": "25:00"}, {"status": "offered"}, {"queued_at": "2020-01-01T00:00:00Z"},
        ]  # fmt: skip
        for wish in bad:
            assert code(await wait(first, salon, **wish)) == (422, "invalid_input"), wish
        for _ in range(10):
            assert (await wait(first, salon)).status_code == 201
        assert code(await wait(first, salon)) == (409, "too_many_wishes")

    async def test_are_for_offered_treatments_only(self, first: Caller, salon: date) -> None:
        yesterday = (salon - timedelta(days=9)).isoformat()
        assert code(await wait(first, salon, RETIRED)) == (422, "unknown_treatment")
        assert code(await wait(first, salon, loctician_id=str(uuid4()))) == (422, "unknown_loctician")
        assert code(await wait(first, salon, DETOX, loctician_id=str(JONAS))) == (422, "treatment_not_offered")
        assert code(await wait(first, salon, **{"from": yesterday}, to=yesterday)) == (422, "in_past")

    async def test_the_same_key_gives_the_first_answer_again(self, first: Caller, salon: date) -> None:
        body = {"service_ids": [str(RETWIST)], "from": salon.isoformat(), "to": salon.isoformat()}
        answers = [await first.post("/waitlist", body, Idempotency_Key="w-1") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert len((await first.get("/waitlist")).json()["items"]) == 1
