"""Many calls at the same time: no time is given twice, and conflicting transactions are tried again."""

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
from shared.settings import runtime_role

OVERLAPS = text("""
    SELECT count(*) FROM booking.occupancy a JOIN booking.occupancy b
    ON a.loctician_id = b.loctician_id AND a.id < b.id AND a.blocked && b.blocked AND a.active AND b.active
""")


async def overlaps(owner: AsyncEngine) -> int:
    async with owner.connect() as connection:
        return int((await connection.execute(OVERLAPS)).scalar_one())


class TestManyAtOnce:
    async def test_only_one_of_200_requests_gets_the_slot(self, book: Book, salon: date, owner: AsyncEngine) -> None:
        answers = await asyncio.gather(*(book(at(salon, "10:00")) for _ in range(200)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}
        assert all(len(item.json()["alternatives"]) == 3 for item in answers if item.status_code == 409)
        assert await overlaps(owner) == 0

    async def test_overlapping_requests_of_different_lengths_never_both_succeed(
        self, book: Book, salon: date, owner: AsyncEngine
    ) -> None:
        requests = [
            (f"{hour:02}:{minute:02}", *services)
            for hour in range(9, 15)
            for minute in (0, 15, 30, 45)
            for services in ((RETWIST,), (STYLING,), (DETOX,), (STYLING, RETWIST))
        ]
        answers = await asyncio.gather(
            *(book(at(salon, clock), *services) for clock, *services in (requests * 3)[:200])
        )
        counted = Counter(answer.status_code for answer in answers)
        assert set(counted) == {201, 409}
        assert counted[201] >= 1
        assert await overlaps(owner) == 0

    async def test_any_loctician_books_as_many_as_there_are_locticians(
        self, book: Book, salon: date, owner: AsyncEngine
    ) -> None:
        answers = await asyncio.gather(*(book(at(salon, "10:00"), loctician=None) for _ in range(60)))
        assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 58}
        assert await overlaps(owner) == 0

    async def test_repeated_requests_give_one_booking_for_each_key(
        self, book: Book, salon: date, owner: AsyncEngine
    ) -> None:
        clocks = ("09:00", "10:45", "12:30", "14:15")
        people = [(uuid4(), f"key-{number}", clocks[number % 4]) for number in range(100)]
        answers = await asyncio.gather(
            *(book(at(salon, clock), customer=customer, key=key) for customer, key, clock in people * 2)
        )
        assert Counter(item.status_code for item in answers) == {201: 8, 409: 192}
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 4
        assert await overlaps(owner) == 0

    async def test_a_customer_gets_only_one_of_simultaneous_times(
        self, book: Book, salon: date, owner: AsyncEngine
    ) -> None:
        customer = uuid4()
        chairs = [AMINA, None] * 20
        answers = await asyncio.gather(
            *(book(at(salon, "10:00"), customer=customer, loctician=chair) for chair in chairs)
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 39}


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
    """Calls a SQL function that fails so many times with this SQLSTATE. Returns which attempt succeeded."""
    async with owner.begin() as connection:
        await connection.execute(text("CREATE SEQUENCE booking.attempts"))
        await connection.execute(text(f"GRANT USAGE ON booking.attempts TO {runtime_role('booking')}"))
        await connection.execute(text(FAILING))

    async def call(state: str, failures: int) -> int:
        row = await fetch_row(database, function_call("failing"), "{}", {"state": state, "failures": failures})
        return int(row["attempt"])

    yield call
    async with owner.begin() as connection:
        await connection.execute(text("DROP FUNCTION booking.failing"))
        await connection.execute(text("DROP SEQUENCE booking.attempts"))


async def attempts(owner: AsyncEngine) -> int:
    async with owner.connect() as connection:
        return int((await connection.execute(text("SELECT last_value FROM booking.attempts"))).scalar_one())


class TestRetries:
    @pytest.mark.parametrize("state", ["40001", "40P01"])
    async def test_deadlocks_are_retried(self, failing: Callable[..., Awaitable[int]], state: str) -> None:
        assert await failing(state, ATTEMPTS - 1) == ATTEMPTS

    async def test_retries_end_after_a_few_attempts(
        self, failing: Callable[..., Awaitable[int]], owner: AsyncEngine
    ) -> None:
        with pytest.raises(PostgresError, match="not now"):
            await failing("40P01", 1000)
        assert await attempts(owner) == ATTEMPTS

    async def test_other_errors_are_not_retried(
        self, failing: Callable[..., Awaitable[int]], owner: AsyncEngine
    ) -> None:
        with pytest.raises(PostgresError, match="not now"):
            await failing("23514", 1000)
        assert await attempts(owner) == 1
