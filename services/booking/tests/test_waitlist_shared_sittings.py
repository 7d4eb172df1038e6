"""The waitlist for sittings that no loctician performs alone."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    STYLING,
    Book,
    Caller,
    Offering,
    SignIn,
    at,
    booking_body,
    code,
)
from services.booking.tests.test_shared_sittings import performers_and_times, repair
from services.booking.tests.test_waitlist import offer_of, wait
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

__all__ = ["repair"]
BOTH = [(str(AMINA), "10:00", "11:00"), (str(JONAS), "11:00", "12:00")]
Cancel = Callable[[], Awaitable[Any]]


@pytest.fixture
async def of_jonas(book: Book, salon: date, sign_in: SignIn) -> Cancel:
    """Jonas is taken from 11 to 12:30; the call cancels that."""
    customer = sign_in()
    booked = (await book(at(salon, "11:00"), loctician=JONAS, customer=customer.id)).json()
    return lambda: customer.post(f"/bookings/{booked['id']}/cancel")


@pytest.fixture
async def first(sign_in: SignIn, salon: date, repair: UUID, of_jonas: Cancel) -> Caller:
    """Waits for Amina's styling from ten, and then Jonas's repair, while Jonas is taken."""
    customer = sign_in()
    answer = await wait(customer, salon, STYLING, repair, earliest="10:00", latest="12:00")
    assert (answer.status_code, answer.json()["status"]) == (201, "waiting")
    return customer


class TestOffering:
    async def test_holds_the_time_of_each_loctician(
        self, first: Caller, of_jonas: Cancel, salon: date, book: Book, repair: UUID, outbox: Outbox
    ) -> None:
        assert await offer_of(first) is None
        await of_jonas()
        offer = await offer_of(first)
        assert offer is not None
        assert performers_and_times(offer["items"]) == BOTH
        assert (await outbox())[-1]["type"] == "waitlist.offered.v1"
        assert code(await book(at(salon, "10:00"), STYLING)) == (409, "slot_taken")
        assert code(await book(at(salon, "11:00"), repair, loctician=JONAS)) == (409, "slot_taken")

    async def test_is_accepted_by_booking_it(self, first: Caller, of_jonas: Cancel, salon: date, repair: UUID) -> None:
        await of_jonas()
        offer = await offer_of(first)
        assert offer is not None
        wanted = booking_body(at(salon, "10:00"), STYLING, repair, loctician=None, hold_id=offer["hold_id"])
        booked = await first.post("/bookings", wanted)
        assert (booked.status_code, performers_and_times(booked.json()["items"])) == (201, BOTH)

    async def test_a_declined_offer_goes_to_those_who_wait_for_either_loctician(
        self, first: Caller, of_jonas: Cancel, sign_in: SignIn, salon: date, repair: UUID
    ) -> None:
        styling, mending = sign_in(), sign_in()
        await of_jonas()
        await wait(styling, salon, STYLING, earliest="10:00", latest="11:00")
        await wait(mending, salon, repair, earliest="11:00", latest="12:00")
        offer = await offer_of(first)
        assert offer is not None
        assert (await first.delete(f"/bookings/holds/{offer['hold_id']}")).status_code == 204
        for caller, loctician in ((styling, AMINA), (mending, JONAS)):
            passed_on = await offer_of(caller)
            assert passed_on is not None
            assert passed_on["loctician_id"] == str(loctician)

    async def test_uses_the_freed_time_for_the_locticians_own_part(
        self, first: Caller, of_jonas: Cancel, book: Book, sign_in: SignIn, salon: date, offer_freed_times: Offering
    ) -> None:
        """Jonas has 9:00 to 10:30 free again; his own part, which the customer has just declined, begins at eleven."""
        customer = sign_in()
        booked = (await book(at(salon, "09:00"), loctician=JONAS, customer=customer.id)).json()
        await of_jonas()
        offer = await offer_of(first)
        assert offer is not None
        await first.delete(f"/bookings/holds/{offer['hold_id']}")
        await customer.post(f"/bookings/{booked['id']}/cancel")
        await offer_freed_times()
        assert await offer_of(first) is None

    async def test_is_made_at_once_while_the_time_is_free(self, sign_in: SignIn, salon: date, repair: UUID) -> None:
        joined = await wait(sign_in(), salon, STYLING, repair, earliest="10:00", latest="12:00")
        assert (joined.status_code, joined.json()["status"]) == (201, "offered")
        assert performers_and_times(joined.json()["offer"]["items"]) == BOTH

    async def test_waits_for_a_transaction_on_the_other_loctician(
        self, first: Caller, of_jonas: Cancel, database: Database, offer_freed_times: Offering
    ) -> None:
        lock = text("SELECT booking.lock_people(ARRAY[:amina]\\:\\:uuid[])")
        async with transaction(database, SERVICE_CLAIMS) as other:
            await other.execute(lock, {"amina": AMINA})
            assert (await of_jonas()).status_code == 200
            assert await offer_of(first) is None
        await offer_freed_times()
        assert await offer_of(first)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text("SELECT count(*) FROM booking.freed_times"))).scalar_one() == 0


async def test_a_wish_that_nobody_can_perform_is_refused(
    sign_in: SignIn, salon: date, repair: UUID, database: Database
) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(text("DELETE FROM booking.loctician_treatments WHERE treatment_id = :id"), {"id": repair})
    assert code(await wait(sign_in(), salon, STYLING, repair)) == (422, "treatment_not_offered")


async def test_a_shared_sitting_with_one_loctician_is_refused(sign_in: SignIn, salon: date, repair: UUID) -> None:
    refused = await wait(sign_in(), salon, STYLING, repair, loctician_id=str(AMINA))
    assert code(refused) == (422, "treatment_not_offered")
