import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from uuid import uuid4

import pytest
from asyncpg import PostgresError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.sql_calls import ATTEMPTS, fetch_row, function_call
from services.booking.tests.conftest import AMINA, DETOX, RETWIST, STYLING, Book, at
from shared.database.session import Database

OVERLAPS = text("""
    SELECT count(*) FROM booking.occupancy a JOIN booking.occupancy b
    ON a.loctician_id = b.loctician_id AND a.id < b.id AND a.blocked && b.blocked AND a.active AND b.active
""")


async def overlaps(owner: AsyncEngine) -> int:
    async with owner.connect() as connection:
        return int((await connection.execute(OVERLAPS)).scalar_one())


class TestManyAtOnce:
    async def test_of_200_for_one_slot_exactly_one_gets_it(self, book: Book, salon: date, owner: AsyncEngine) -> None:
        answers = await asyncio.gather(*(book(at(salon, "10:00")) for _ in range(200)))
        assert Counter(one.status_code for one in answers) == {201: 1, 409: 199}
        assert all(len(one.json()["alternatives"]) == 3 for one in answers if one.status_code == 409)
        assert await overlaps(owner) == 0

    async def test_overlapping_but_unequal_ranges_never_meet(self, book: Book, salon: date, owner: AsyncEngine) -> None:
        asked = [
            (f"{hour:02}:{minute:02}", *services)
            for hour in range(9, 15)
            for minute in (0, 15, 30, 45)
            for services in ((RETWIST,), (STYLING,), (DETOX,), (STYLING, RETWIST))
        ]
        answers = await asyncio.gather(*(book(at(salon, clock), *services) for clock, *services in (asked * 3)[:200]))
        counted = Counter(one.status_code for one in answers)
        assert set(counted) == {201, 409}
        assert counted[201] >= 1
        assert await overlaps(owner) == 0

    async def test_any_loctician_takes_as_many_as_there_are_chairs(
        self, book: Book, salon: date, owner: AsyncEngine
    ) -> None:
        answers = await asyncio.gather(*(book(at(salon, "10:00"), loctician=None) for _ in range(60)))
        assert Counter(one.status_code for one in answers) == {201: 2, 409: 58}
        assert await overlaps(owner) == 0

    async def test_half_retried_under_the_same_key_give_one_booking_a_key(
        self, book: Book, salon: date, owner: AsyncEngine
    ) -> None:
        clocks = ("09:00", "10:45", "12:30", "14:15")
        people = [(uuid4(), f"key-{number}", clocks[number % 4]) for number in range(100)]
        answers = await asyncio.gather(
            *(book(at(salon, clock), customer=customer, key=key) for customer, key, clock in people * 2)
        )
        assert Counter(one.status_code for one in answers) == {201: 8, 409: 192}
        assert len({one.json()["id"] for one in answers if one.status_code == 201}) == 4
        assert await overlaps(owner) == 0

    async def test_one_customer_at_once_with_everybody_gets_one_time(
        self, book: Book, salon: date, owner: AsyncEngine
    ) -> None:
        customer = uuid4()
        chairs = [AMINA, None] * 20
        answers = await asyncio.gather(
            *(book(at(salon, "10:00"), customer=customer, loctician=chair) for chair in chairs)
        )
        assert Counter(one.status_code for one in answers) == {201: 1, 409: 39}


FAILING = """
    CREATE FUNCTION booking.failing(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE attempt integer := nextval('booking.attempts');
    BEGIN
        IF attempt <= (p_request ->> 'failures')\\:\\:integer THEN
            RAISE EXCEPTION USING ERRCODE = p_request ->> 'state', MESSAGE = 'not now';
        END IF;
        RETURN jsonb_build_object('attempt', attempt);
    END $$
"""


@pytest.fixture
async def failing(owner: AsyncEngine, database: Database) -> AsyncIterator[Callable[..., Awaitable[int]]]:
    """A change that fails so many times with this SQLSTATE; which attempt succeeded. Each attempt is counted."""
    async with owner.begin() as connection:
        await connection.execute(text("CREATE SEQUENCE booking.attempts"))
        await connection.execute(text("GRANT USAGE ON booking.attempts TO loctician_booking"))
        await connection.execute(text(FAILING))

    async def call(state: str, failures: int) -> int:
        found = await fetch_row(database, function_call("failing"), "{}", {"state": state, "failures": failures})
        return int(found["attempt"])

    yield call
    async with owner.begin() as connection:
        await connection.execute(text("DROP FUNCTION booking.failing"))
        await connection.execute(text("DROP SEQUENCE booking.attempts"))


async def attempts(owner: AsyncEngine) -> int:
    async with owner.connect() as connection:
        return int((await connection.execute(text("SELECT last_value FROM booking.attempts"))).scalar_one())


class TestTryingAgain:
    @pytest.mark.parametrize("state", ["40001", "40P01"])
    async def test_who_loses_a_deadlock_begins_again(self, failing: Callable[..., Awaitable[int]], state: str) -> None:
        assert await failing(state, ATTEMPTS - 1) == ATTEMPTS

    async def test_but_not_for_ever(self, failing: Callable[..., Awaitable[int]], owner: AsyncEngine) -> None:
        with pytest.raises(PostgresError, match="not now"):
            await failing("40P01", 1000)
        assert await attempts(owner) == ATTEMPTS

    async def test_nor_after_anything_else(self, failing: Callable[..., Awaitable[int]], owner: AsyncEngine) -> None:
        with pytest.raises(PostgresError, match="not now"):
            await failing("23514", 1000)
        assert await attempts(owner) == 1
