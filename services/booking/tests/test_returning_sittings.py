"""Sittings in which a loctician performs a part, hands over, and performs another one: A-B-A, A-B-A-B."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.booking.events import BookingCreated, BookingRescheduled
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    Book,
    Caller,
    SignIn,
    at,
    booking_body,
)
from services.booking.tests.test_waitlist import offer_of, wait
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

PARTS = [UUID(int=0x51 + number) for number in range(4)]  # performed by Amina, Jonas, Amina, Jonas
ADD = text("""
    WITH treatment AS (
        INSERT INTO booking.treatments (id, translations, category, duration_minutes, buffer_before_minutes,
            buffer_after_minutes, processing_start_minutes, processing_minutes, price_amount)
        VALUES (:id, '{}', 'care', :lasts, :before, :after, :processing_from, :processing, 10000) RETURNING id)
    INSERT INTO booking.loctician_treatments (loctician_id, treatment_id) SELECT :loctician, id FROM treatment
""")


@dataclass(frozen=True)
class Part:
    lasts: int = 30
    before: int = 0
    after: int = 0
    processing: tuple[int, int] | None = None


# What each part takes of its loctician, in minutes from the start of the sitting.
CASES: dict[str, tuple[list[Part], list[tuple[int, int]]]] = {
    "no buffers": ([Part(), Part(), Part()], [(0, 30), (30, 60), (60, 90)]),
    "a buffer that ends before the last part": ([Part(after=15), Part(), Part()], [(0, 45), (30, 60), (60, 90)]),
    "a buffer that ends where the last part begins": ([Part(after=30), Part(), Part()], [(0, 60), (30, 60), (60, 90)]),
    "a buffer that covers the last part": ([Part(after=60), Part(), Part()], [(0, 60), (30, 60), (60, 90)]),
    "a buffer that ends after the last part": ([Part(after=120), Part(), Part()], [(0, 60), (30, 60), (60, 150)]),
    "a buffer before that covers the first part": ([Part(), Part(), Part(before=90)], [(-30, 30), (30, 60), (30, 90)]),
    "buffers that meet": ([Part(after=20), Part(), Part(before=20)], [(0, 50), (30, 60), (50, 90)]),
    "buffers that do not meet": ([Part(after=5), Part(), Part(before=5)], [(0, 35), (30, 60), (55, 90)]),
    "buffers of all": (
        [Part(before=120, after=120), Part(before=60, after=90), Part(before=120, after=120)],
        [(-120, 60), (-30, 150), (60, 210)],
    ),
    "four parts": (
        [Part(after=120), Part(before=120, after=120), Part(after=120), Part(after=120)],
        [(0, 60), (-90, 90), (60, 210), (90, 240)],
    ),
    "processing": (
        [Part(60, after=120, processing=(20, 20)), Part(), Part(60, processing=(10, 40))],
        [(0, 90), (60, 90), (90, 180)],
    ),
}


@pytest.fixture
def parts(salon: date, database: Database) -> Callable[[list[Part]], Awaitable[list[UUID]]]:
    """Adds treatments that Amina and Jonas perform in turn. Returns their ids."""

    async def add(wanted: list[Part]) -> list[UUID]:
        async with transaction(database, SERVICE_CLAIMS) as session:
            for number, part in enumerate(wanted):
                values = {
                    "id": PARTS[number], "lasts": part.lasts, "before": part.before, "after": part.after,
                    "processing_from": part.processing and part.processing[0],
                    "processing": part.processing and part.processing[1],
                    "loctician": [AMINA, JONAS][number % 2],
                }  # fmt: skip
                await session.execute(ADD, values)
        return PARTS[: len(wanted)]

    return add


def minutes_of(event: Any, start: datetime) -> list[tuple[int, int]]:
    return [
        ((item.blocked_start - start) // timedelta(minutes=1), (item.blocked_end - start) // timedelta(minutes=1))
        for item in event.items
    ]


@pytest.mark.parametrize("name", CASES)
class TestReturning:
    async def test_each_part_takes_its_own_time(
        self, name: str, book: Book, salon: date, parts: Any, outbox: Outbox, customer: Caller
    ) -> None:
        wanted, expected = CASES[name]
        services = await parts(wanted)
        start = at(salon, "10:00")
        booked = await book(start, *services, loctician=None, customer=customer.id)
        assert booked.status_code == 201, booked.text
        locticians = [item["loctician_id"] for item in booked.json()["items"]]
        assert locticians == [str([AMINA, JONAS][number % 2]) for number in range(len(wanted))]
        assert minutes_of(BookingCreated.model_validate((await outbox())[-1]["data"]), start) == expected
        later = at(salon, "12:00")
        moved = await customer.put(f"/bookings/{booked.json()['id']}", {"start": later.isoformat()}, 1)
        assert moved.status_code == 200, moved.text
        assert minutes_of(BookingRescheduled.model_validate((await outbox())[-1]["data"]), later) == expected

    async def test_what_was_held_is_booked(
        self, name: str, salon: date, parts: Any, outbox: Outbox, customer: Caller
    ) -> None:
        wanted, expected = CASES[name]
        body = booking_body(at(salon, "10:00"), *(await parts(wanted)), loctician=None)
        held = (await customer.post("/bookings/holds", body)).json()
        assert len(held["items"]) == len(wanted)
        booked = await customer.post("/bookings", body | {"hold_id": held["id"]})
        assert booked.status_code == 201, booked.text
        event = BookingCreated.model_validate((await outbox())[-1]["data"])
        assert minutes_of(event, at(salon, "10:00")) == expected

    async def test_what_was_offered_is_booked(
        self, name: str, salon: date, parts: Any, outbox: Outbox, customer: Caller, sign_in: SignIn, book: Book
    ) -> None:
        wanted, expected = CASES[name]
        services = await parts(wanted)
        other = sign_in()
        taken = (await book(at(salon, "10:00"), *services, loctician=None, customer=other.id)).json()
        end = at(salon, "10:00") + timedelta(minutes=sum(part.lasts for part in wanted))
        await wait(customer, salon, *services, earliest="10:00", latest=f"{end:%H:%M}")
        await other.post(f"/bookings/{taken['id']}/cancel")
        offer = await offer_of(customer)
        assert offer is not None
        body = booking_body(offer["start"], *services, loctician=None, hold_id=offer["hold_id"])
        assert (await customer.post("/bookings", body)).status_code == 201
        event = BookingCreated.model_validate((await outbox())[-1]["data"])
        assert minutes_of(event, at(salon, "10:00")) == expected


async def test_the_loctician_is_free_where_no_part_and_no_buffer_is(book: Book, salon: date, parts: Any) -> None:
    first, second, third = await parts([Part(15, after=15), Part(60), Part(before=15)])
    assert (await book(at(salon, "10:00"), first, second, third, loctician=None)).status_code == 201
    assert [(await book(at(salon, clock), first)).status_code for clock in ("10:15", "10:45", "10:30")] == [
        409,
        409,
        201,
    ]


@pytest.mark.parametrize("column", ["booking_items.during", "booking_items.blocked", "occupancy.blocked"])
@pytest.mark.parametrize("value", ["(,)", "empty", "(,2026-12-01)", "[2026-12-01,)"])
async def test_ranges_without_bounds_cannot_be_stored(
    book: Book, salon: date, database: Database, column: str, value: str
) -> None:
    table, name = column.split(".")
    assert (await book(at(salon, "10:00"))).status_code == 201
    with pytest.raises(DBAPIError, match="violates check constraint"):
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text(f"UPDATE booking.{table} SET {name} = '{value}'"))
