"""What was held, offered or booked keeps its price, length and buffers, whatever happens to the catalog afterwards."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.booking.events import BookingRescheduled
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    DETOX,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    Caller,
    OpenOn,
    SetClock,
    SignIn,
    at,
    booking_body,
    code,
    set_rules,
)
from services.booking.tests.test_shared_sittings import REPAIR, performers_and_times, repair
from services.booking.tests.test_waitlist import offer_of, wait
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

__all__ = ["repair"]
Run = Callable[[str], Awaitable[None]]

DEARER = "UPDATE booking.treatments SET price_amount = 75000, version = version + 1"
LONGER = "UPDATE booking.treatments SET duration_minutes = duration_minutes + 30"
OWN_TERMS = "UPDATE booking.loctician_treatments SET price_amount = 88800, duration_minutes = 45"
BUFFERS = "UPDATE booking.treatments SET buffer_before_minutes = 60, buffer_after_minutes = 120"
PROCESSING = "UPDATE booking.treatments SET processing_start_minutes = 10, processing_minutes = 10"
ARCHIVED = "UPDATE booking.treatments SET active = false"
GONE = "DELETE FROM booking.loctician_treatments"
GRID = "UPDATE booking.treatments SET grid_minutes = 60"
CHANGES = [
    DEARER,
    LONGER,
    OWN_TERMS,
    BUFFERS,
    PROCESSING,
    ARCHIVED,
    GONE,
    GRID,
    "; ".join((LONGER, BUFFERS, GONE, ARCHIVED)),
]


@pytest.fixture
def change(database: Database) -> Run:
    """Changes the catalog."""

    async def run(statements: str) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            for statement in statements.split("; "):
                await session.execute(text(statement))

    return run


async def blocked(outbox: Outbox) -> list[tuple[str, str]]:
    """From when to when the last event says that each item takes its loctician, in UTC."""
    event = BookingRescheduled.model_validate((await outbox())[-1]["data"])
    return [(f"{item.blocked_start:%H:%M}", f"{item.blocked_end:%H:%M}") for item in event.items]


def terms(booking: dict[str, Any]) -> list[tuple[str, int, timedelta]]:
    return [
        (
            item["service_id"], item["price"]["amount"],
            datetime.fromisoformat(item["end"]) - datetime.fromisoformat(item["start"]),
        )
        for item in booking["items"]
    ]  # fmt: skip


class TestHolds:
    @pytest.mark.parametrize("changes", CHANGES)
    async def test_are_booked_as_they_were_shown(
        self, customer: Caller, salon: date, change: Run, changes: str
    ) -> None:
        start = at(salon, "10:15")
        held = (await customer.post("/bookings/holds", booking_body(start))).json()
        assert held["items"][0]["price"] == held["price"]
        assert held["price"]["vat"] == {"rate": 25, "amount": 12980}
        await change(changes)
        booked = await customer.post("/bookings", booking_body(start, hold_id=held["id"]))
        assert booked.status_code == 201, booked.text
        body = booked.json()
        assert (body["price"], body["start"], body["end"]) == (held["price"], held["start"], held["end"])
        assert terms(body) == terms(held) == [(str(RETWIST), 64900, timedelta(minutes=90))]

    async def test_block_what_they_blocked(self, customer: Caller, book: Book, salon: date, change: Run) -> None:
        held = (await customer.post("/bookings/holds", booking_body(at(salon, "10:00"), DETOX))).json()
        await change(f"{BUFFERS}; {PROCESSING}")
        await customer.post("/bookings", booking_body(at(salon, "10:00"), DETOX, hold_id=held["id"]))
        await change("UPDATE booking.treatments SET buffer_before_minutes = 0, buffer_after_minutes = 0")
        assert (await book(at(salon, "10:30"), STYLING)).status_code == 201  # while the detox soaks
        assert (await book(at(salon, "09:00"), STYLING)).status_code == 201
        assert (await book(at(salon, "12:00"), STYLING)).status_code == 201

    @pytest.mark.parametrize("changes", CHANGES)
    async def test_of_several_locticians_too(
        self, customer: Caller, salon: date, repair: UUID, change: Run, changes: str
    ) -> None:
        body = booking_body(at(salon, "10:00"), STYLING, repair, DETOX, loctician=None)
        held = (await customer.post("/bookings/holds", body)).json()
        assert [item["loctician_id"] for item in held["items"]] == [str(AMINA), str(JONAS), str(AMINA)]
        await change(changes)
        booked = await customer.post("/bookings", body | {"hold_id": held["id"]})
        assert booked.status_code == 201, booked.text
        assert performers_and_times(booked.json()["items"]) == performers_and_times(held["items"])
        assert terms(booked.json()) == terms(held)
        assert booked.json()["price"] == held["price"]

    async def test_of_several_locticians_stay_shared_when_somebody_learns_the_rest(
        self, customer: Caller, salon: date, repair: UUID, change: Run
    ) -> None:
        body = booking_body(at(salon, "10:00"), STYLING, repair, loctician=None)
        held = (await customer.post("/bookings/holds", body)).json()
        await change(
            f"INSERT INTO booking.loctician_treatments (loctician_id, treatment_id) VALUES ('{AMINA}', '{REPAIR}')"
        )
        booked = (await customer.post("/bookings", body | {"hold_id": held["id"]})).json()
        assert performers_and_times(booked["items"]) == performers_and_times(held["items"])

    async def test_are_booked_beyond_a_horizon_that_was_shortened(
        self, customer: Caller, salon: date, sign_in: SignIn
    ) -> None:
        held = (await customer.post("/bookings/holds", booking_body(at(salon, "10:00")))).json()
        await set_rules(sign_in, horizon_days=1)
        booked = await customer.post("/bookings", booking_body(at(salon, "10:00"), hold_id=held["id"]))
        assert booked.status_code == 201

    async def test_are_refused_once_the_loctician_is_away_or_has_left(
        self, customer: Caller, salon: date, change: Run, open_on: OpenOn
    ) -> None:
        held = (await customer.post("/bookings/holds", booking_body(at(salon, "10:00")))).json()
        body = booking_body(at(salon, "10:00"), hold_id=held["id"])
        await open_on(salon, closed_for="time_off")
        assert code(await customer.post("/bookings", body)) == (409, "closed")
        await open_on(salon, ("09:00", "17:00"))
        await change(f"UPDATE booking.locticians SET active = false WHERE loctician_id = '{AMINA}'")
        assert code(await customer.post("/bookings", body)) == (422, "unknown_loctician")

    async def test_that_lapsed_promise_nothing(
        self, customer: Caller, salon: date, change: Run, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "07:00"))
        held = (await customer.post("/bookings/holds", booking_body(at(salon, "10:00")))).json()
        await change(DEARER)
        await set_clock(at(salon, "07:15"))
        late = await customer.post("/bookings", booking_body(at(salon, "10:00"), hold_id=held["id"]))
        assert code(late) == (409, "hold_lapsed")
        assert late.json()["alternatives"][0]["price"]["amount"] == 75000

    @pytest.mark.parametrize("changes", CHANGES)
    async def test_offers_of_the_waitlist_are_booked_as_they_were_offered(
        self, book: Book, customer: Caller, sign_in: SignIn, salon: date, change: Run, changes: str
    ) -> None:
        other = sign_in()
        booked = (await book(at(salon, "10:00"), customer=other.id)).json()
        await wait(customer, salon, loctician_id=str(AMINA), earliest="10:00", latest="11:30")
        await other.post(f"/bookings/{booked['id']}/cancel")
        offer = await offer_of(customer)
        assert offer is not None
        await change(changes)
        assert await offer_of(customer) == offer
        accepted = await customer.post("/bookings", booking_body(offer["start"], hold_id=offer["hold_id"]))
        assert accepted.status_code == 201, accepted.text
        assert (accepted.json()["price"], accepted.json()["end"]) == (offer["price"], offer["end"])
        assert terms(accepted.json()) == terms(offer)


class TestMoves:
    @pytest.mark.parametrize("role", ["customer", "staff", "loctician"])
    @pytest.mark.parametrize("changes", CHANGES)
    async def test_in_time_alone_keep_what_was_agreed(
        self, book: Book, customer: Caller, sign_in: SignIn, salon: date, change: Run, outbox: Outbox, changes: str,
        role: str,
    ) -> None:  # fmt: skip
        booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
        await change(changes)
        caller = {"customer": customer, "staff": sign_in("staff"), "loctician": sign_in("loctician", AMINA)}[role]
        assert (await caller.get(f"/bookings/{booked['id']}")).json()["items"] == booked["items"]
        moved = await caller.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        assert moved.status_code == 200, moved.text
        assert terms(moved.json()) == terms(booked)
        assert moved.json()["price"] == booked["price"]
        assert moved.json()["end"] == at(salon, "14:30").isoformat()
        [(begins, ends)] = await blocked(outbox)
        assert begins == f"{at(salon, '13:00').astimezone(UTC):%H:%M}"
        assert ends == f"{at(salon, '14:45').astimezone(UTC):%H:%M}"

    async def test_name_the_loctician_who_performs_it_or_not(
        self, book: Book, customer: Caller, salon: date, change: Run
    ) -> None:
        booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
        await change(f"{ARCHIVED}; {GONE}")
        wish = {
            "start": at(salon, "13:00").isoformat(), "loctician_id": str(AMINA), "service_ids": [str(RETWIST)],
            "notes": "Ømt hår",
        }  # fmt: skip
        moved = await customer.put(f"/bookings/{booked['id']}", wish, 1)
        assert (moved.status_code, terms(moved.json())) == (200, terms(booked))

    @pytest.mark.parametrize("changes", CHANGES)
    async def test_of_sittings_of_several_locticians_too(
        self, book: Book, customer: Caller, salon: date, repair: UUID, change: Run, changes: str
    ) -> None:
        booked = (await book(at(salon, "09:00"), STYLING, repair, loctician=None, customer=customer.id)).json()
        await change(changes)
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        assert moved.status_code == 200, moved.text
        assert terms(moved.json()) == terms(booked)
        assert performers_and_times(moved.json()["items"]) == [
            (str(AMINA), "13:00", "14:00"), (str(JONAS), "14:00", "15:00"),
        ]  # fmt: skip

    async def test_work_if_one_of_several_treatments_was_archived(
        self, book: Book, customer: Caller, salon: date, change: Run
    ) -> None:
        booked = (await book(at(salon, "09:00"), RETWIST, STYLING, customer=customer.id)).json()
        await change(f"{ARCHIVED} WHERE id = '{RETWIST}'; {DEARER}")
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        assert (moved.status_code, terms(moved.json())) == (200, terms(booked))

    async def test_with_a_treatment_added_keep_the_terms_of_the_others(
        self, book: Book, customer: Caller, salon: date, change: Run
    ) -> None:
        booked = (await book(at(salon, "09:00"), customer=customer.id)).json()
        await change(f"{ARCHIVED} WHERE id = '{RETWIST}'; {GONE} WHERE treatment_id = '{RETWIST}'; {DEARER}; {LONGER}")
        wish = {"service_ids": [str(RETWIST), str(STYLING)]}
        moved = await customer.put(f"/bookings/{booked['id']}", wish, 1)
        assert moved.status_code == 200, moved.text
        assert terms(moved.json()) == [*terms(booked), (str(STYLING), 75000, timedelta(minutes=90))]
        assert moved.json()["price"]["amount"] == 64900 + 75000
        less = await customer.put(f"/bookings/{booked['id']}", {"service_ids": [str(STYLING)]}, 2)
        assert terms(less.json()) == [(str(STYLING), 75000, timedelta(minutes=90))]
        gone = await customer.put(f"/bookings/{booked['id']}", {"service_ids": [str(STYLING), str(RETWIST)]}, 3)
        assert code(gone) == (422, "unknown_treatment")

    async def test_to_another_loctician_take_that_locticians_terms_if_the_profile_lists_the_treatment(
        self, book: Book, customer: Caller, staff: Caller, salon: date, change: Run
    ) -> None:
        booked = (await book(at(salon, "09:00"), customer=customer.id)).json()
        await change(ARCHIVED)
        moved = await staff.put(f"/bookings/{booked['id']}", {"loctician_id": str(JONAS)}, 1)
        assert terms(moved.json()) == [(str(RETWIST), 59900, timedelta(minutes=60))]
        await change(GONE)
        refused = await staff.put(f"/bookings/{booked['id']}", {"loctician_id": str(AMINA)}, 2)
        assert code(refused) == (422, "treatment_not_offered")
        again = await staff.put(f"/bookings/{booked['id']}", {"start": at(salon, "14:00").isoformat()}, 2)
        assert terms(again.json()) == [(str(RETWIST), 59900, timedelta(minutes=60))]

    async def test_to_any_loctician_find_the_one_of_the_booking(
        self, book: Book, customer: Caller, salon: date, change: Run
    ) -> None:
        booked = (await book(at(salon, "09:00"), customer=customer.id)).json()
        await change(f"{ARCHIVED}; {GONE}; {DEARER}")
        wish = {"start": at(salon, "13:00").isoformat(), "loctician_id": None}
        moved = await customer.put(f"/bookings/{booked['id']}", wish, 1)
        assert (moved.status_code, terms(moved.json())) == (200, terms(booked))

    async def test_of_a_date_of_a_series_too(self, customer: Caller, salon: date, change: Run, open_on: OpenOn) -> None:
        await open_on(salon + timedelta(weeks=1), ("09:00", "17:00"))
        body = booking_body(at(salon, "10:00")) | {"every_weeks": 1, "times": 2}
        dates = (await customer.post("/bookings/series", body)).json()["items"]
        await change(f"{ARCHIVED}; {GONE}")
        booked = dates[1]["booking"]
        wish = {"start": at(salon + timedelta(weeks=1), "13:00").isoformat()}
        moved = await customer.put(f"/bookings/{booked['id']}", wish, 1)
        assert (moved.status_code, terms(moved.json())) == (200, terms(booked))

    async def test_offer_the_freed_time_on_the_terms_of_today(
        self, book: Book, customer: Caller, sign_in: SignIn, salon: date, change: Run
    ) -> None:
        booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
        waiting = sign_in()
        await wait(waiting, salon, loctician_id=str(AMINA), earliest="10:00", latest="11:30")
        await change(DEARER)
        await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        offer = await offer_of(waiting)
        assert offer is not None
        assert offer["price"]["amount"] == 75000

    async def test_what_is_booked_anew_has_the_terms_of_today(
        self, book: Book, customer: Caller, salon: date, change: Run
    ) -> None:
        await book(at(salon, "09:00"), customer=customer.id)
        await change(f"{DEARER}; {ARCHIVED} WHERE id = '{STYLING}'")
        assert (await book(at(salon, "13:00"))).json()["price"]["amount"] == 75000
        assert code(await book(at(salon, "15:00"), STYLING)) == (422, "unknown_treatment")
