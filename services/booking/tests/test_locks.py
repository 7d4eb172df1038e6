"""Bookings lock what they claim: other locticians can be booked meanwhile, and nobody waits in a circle."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.booking.sql_calls import RETRIES
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    RETWIST,
    Book,
    OpenOn,
    SignIn,
    at,
    booking_body,
)
from services.booking.tests.test_concurrency import overlaps
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.waiting import until

SOFIE, MAJA = UUID(int=0xC), UUID(int=0xD)
CALL = "SELECT CAST(booking.{name}(CAST(:claims AS jsonb), CAST(:request AS jsonb)) AS text)"
LOCKED = text(
    """
    SELECT p.id FROM unnest(CAST(:people AS uuid[])) AS p (id) WHERE EXISTS (
        SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.pid = pg_backend_pid()
            AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(p.id::text, 0))
""".replace("::", r"\:\:")
)
WAITING = text("""
    SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND a.datname = current_database()
""")

Request = dict[str, Any]


@pytest.fixture
async def chairs(salon: date, open_on: OpenOn, database: Database) -> list[UUID]:
    """Four locticians who perform a retwist, open on the salon's day."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        for loctician in (SOFIE, MAJA):
            added = "INSERT INTO booking.locticians (loctician_id, display_name) VALUES (:id, 'x')"
            await session.execute(text(added), {"id": loctician})
            offer = "INSERT INTO booking.loctician_treatments (loctician_id, treatment_id) VALUES (:id, :treatment)"
            await session.execute(text(offer), {"id": loctician, "treatment": RETWIST})
    for loctician in (SOFIE, MAJA):
        await open_on(salon, ("09:00", "17:00"), loctician=loctician)
    return [AMINA, JONAS, SOFIE, MAJA]


def request(start: datetime, customer: UUID, loctician: UUID | None = None, **more: Any) -> Request:
    ids = {"customer_id": customer, "booking_id": uuid4(), "series_id": uuid4()}
    return {"service_ids": [RETWIST], "loctician_id": loctician, "start": start} | ids | more


@asynccontextmanager
async def connected(owner: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection whose transaction is rolled back at the end."""
    async with owner.connect() as connection:
        await connection.begin()
        yield connection
        await connection.rollback()


async def call(connection: AsyncConnection, name: str, wanted: Request) -> Any:
    claims = orjson.dumps({"role": "customer", "sub": wanted["customer_id"]}).decode()
    values = {"claims": claims, "request": orjson.dumps(wanted).decode()}
    return orjson.loads((await connection.execute(text(CALL.format(name=name)), values)).scalar_one())


async def locked(connection: AsyncConnection, people: list[UUID]) -> set[UUID]:
    return set((await connection.execute(LOCKED, {"people": people})).scalars())


async def does_not_wait(owner: AsyncEngine, work: Awaitable[Any]) -> Any:
    """The result of the work. Fails if a lock is waited for."""
    task = asyncio.ensure_future(work)

    async def waits() -> bool:
        async with owner.connect() as connection:
            return bool((await connection.execute(WAITING)).scalar_one())

    async def settled() -> bool:
        return task.done() or await waits()

    await until(settled)
    waited = not task.done()
    if waited:
        task.cancel()
    assert not waited
    return await task


class TestAnyLoctician:
    async def test_two_customers_book_the_same_start_without_waiting(
        self, chairs: list[UUID], salon: date, owner: AsyncEngine
    ) -> None:
        start, chosen = at(salon, "10:00"), []
        async with connected(owner) as first, connected(owner) as second, connected(owner) as third:
            for connection in (first, second, third):
                customer = uuid4()
                booked = await does_not_wait(owner, call(connection, "book", request(start, customer)))
                performer = UUID(booked["loctician_ids"][0])
                assert await locked(connection, [*chairs, customer]) == {performer, customer}
                chosen.append(performer)
        assert len(set(chosen)) == 3

    async def test_a_booking_locks_neither_the_others_nor_those_who_are_taken(
        self, chairs: list[UUID], salon: date, owner: AsyncEngine, book: Book
    ) -> None:
        await book(at(salon, "10:00"), loctician=AMINA)
        async with connected(owner) as connection, connected(owner) as other:
            customer = uuid4()
            booked = await call(connection, "book", request(at(salon, "10:00"), customer))
            performer = UUID(booked["loctician_ids"][0])
            assert await locked(connection, [*chairs, customer]) == {performer, customer}
            for loctician in {*chairs} - {performer}:
                wanted = request(at(salon, "14:00"), uuid4(), loctician)
                await does_not_wait(owner, call(other, "book", wanted))

    async def test_the_least_booked_is_chosen(self, chairs: list[UUID], salon: date, book: Book) -> None:
        for loctician, clock in ((AMINA, "09:00"), (JONAS, "09:00"), (MAJA, "09:00"), (JONAS, "14:00")):
            assert (await book(at(salon, clock), loctician=loctician)).status_code == 201
        chosen = (await book(at(salon, "12:00"), loctician=None)).json()
        assert chosen["items"][0]["loctician_id"] == str(SOFIE)

    async def test_who_is_locked_is_waited_for_if_nobody_else_is_free(
        self, salon: date, owner: AsyncEngine, book: Book
    ) -> None:
        await book(at(salon, "10:00"), loctician=JONAS)
        async with connected(owner) as connection:
            await call(connection, "book", request(at(salon, "14:00"), uuid4(), AMINA))
            waiting = asyncio.ensure_future(book(at(salon, "10:00"), loctician=None))

            async def waits() -> bool:
                async with owner.connect() as watching:
                    return bool((await watching.execute(WAITING)).scalar_one())

            await until(waits)
        booked = (await waiting).json()
        assert booked["items"][0]["loctician_id"] == str(AMINA)

    async def test_many_at_once_get_all_there_is(
        self, chairs: list[UUID], salon: date, owner: AsyncEngine, book: Book
    ) -> None:
        before = {state: RETRIES.labels(state)._value.get() for state in ("40001", "40P01")}
        starts = [at(salon, clock) for clock in ("09:00", "11:00", "13:00")]
        answers = await asyncio.gather(*(book(start, loctician=None) for start in starts * 12))
        assert Counter(answer.status_code for answer in answers) == {201: 12, 409: 24}
        assert await overlaps(owner) == 0
        assert {state: RETRIES.labels(state)._value.get() for state in ("40001", "40P01")} == before


class TestMoves:
    async def test_to_any_loctician_lock_the_old_and_the_new_one(
        self, chairs: list[UUID], salon: date, owner: AsyncEngine, book: Book, sign_in: SignIn
    ) -> None:
        customer = sign_in()
        booked = (await book(at(salon, "10:00"), loctician=AMINA, customer=customer.id)).json()
        await book(at(salon, "13:00"), loctician=AMINA)
        wanted = {"id": booked["id"], "customer_id": customer.id, "start": at(salon, "13:00"), "loctician_id": None}
        async with connected(owner) as connection:
            moved = await call(connection, "change", wanted)
            performer = UUID(moved["loctician_ids"][0])
            assert await locked(connection, [*chairs, customer.id]) == {AMINA, performer, customer.id}

    async def test_of_many_to_any_loctician_get_all_there_is(
        self, chairs: list[UUID], salon: date, owner: AsyncEngine, book: Book, sign_in: SignIn
    ) -> None:
        customers = [sign_in() for _ in range(8)]
        spread = [(loctician, clock) for loctician in chairs for clock in ("09:00", "11:00")]
        booked = [
            (await book(at(salon, clock), loctician=loctician, customer=customer.id)).json()
            for customer, (loctician, clock) in zip(customers, spread, strict=True)
        ]
        wish = {"start": at(salon, "14:00").isoformat(), "loctician_id": None}
        answers = await asyncio.gather(
            *(
                customer.put(f"/bookings/{booking['id']}", wish, 1)
                for customer, booking in zip(customers, booked, strict=True)
            )
        )
        assert Counter(answer.status_code for answer in answers) == {200: 4, 409: 4}
        assert await overlaps(owner) == 0


@pytest.fixture
def weekly(salon: date, open_on: OpenOn) -> Callable[[list[UUID]], Awaitable[list[datetime]]]:
    async def open_weeks(locticians: list[UUID]) -> list[datetime]:
        days = [salon + timedelta(weeks=week) for week in range(4)]
        for day in days:
            for loctician in locticians:
                await open_on(day, ("09:00", "17:00"), loctician=loctician)
        return [at(day, "10:00") for day in days]

    return open_weeks


class TestSeries:
    async def test_with_any_loctician_locks_only_who_performs_it(
        self, chairs: list[UUID], weekly: Any, owner: AsyncEngine, book: Book
    ) -> None:
        starts = await weekly(chairs)
        customer = uuid4()
        async with connected(owner) as connection, connected(owner) as other:
            answer = await call(connection, "book_series", request(starts[0], customer, starts=starts))
            performers = {UUID(item["booking"]["loctician_ids"][0]) for item in answer["items"]}
            assert len(performers) == 1, "a series stays with a loctician who is free"
            assert await locked(connection, [*chairs, customer]) == {*performers, customer}
            for loctician in {*chairs} - performers:
                await does_not_wait(owner, call(other, "book", request(starts[0], uuid4(), loctician)))
            await does_not_wait(owner, call(other, "book", request(starts[1], uuid4())))

    async def test_with_one_loctician_does_not_block_others(
        self, chairs: list[UUID], weekly: Any, owner: AsyncEngine
    ) -> None:
        starts = await weekly(chairs)
        customer = uuid4()
        async with connected(owner) as connection, connected(owner) as other:
            await call(connection, "book_series", request(starts[0], customer, AMINA, starts=starts))
            assert await locked(connection, [*chairs, customer]) == {AMINA, customer}
            await does_not_wait(owner, call(other, "book_series", request(starts[0], uuid4(), starts=starts)))

    async def test_takes_another_loctician_where_its_own_is_taken(
        self, chairs: list[UUID], weekly: Any, owner: AsyncEngine, book: Book, sign_in: SignIn
    ) -> None:
        starts = await weekly(chairs)
        await book(starts[2], loctician=AMINA)
        body = booking_body(starts[0], loctician=None) | {"every_weeks": 1, "times": 4}
        items = (await sign_in().post("/bookings/series", body)).json()["items"]
        performers = [item["booking"]["items"][0]["loctician_id"] for item in items]
        assert performers[0] == performers[1] == performers[3] != performers[2]

    async def test_many_at_once_give_no_time_twice_and_do_not_deadlock(
        self, chairs: list[UUID], weekly: Any, owner: AsyncEngine, sign_in: SignIn
    ) -> None:
        starts = await weekly(chairs)
        before = RETRIES.labels("40P01")._value.get()
        body = booking_body(starts[0], loctician=None) | {"every_weeks": 1, "times": 4}
        named = [body | {"loctician_id": str(chair)} for chair in chairs[:2]]
        answers = await asyncio.gather(*(sign_in().post("/bookings/series", each) for each in [body] * 6 + named))
        assert {answer.status_code for answer in answers} <= {201, 409}
        booked = [item for answer in answers for item in answer.json()["items"] if item["booking"]]
        assert len(booked) == 4 * len(starts)
        assert await overlaps(owner) == 0
        assert RETRIES.labels("40P01")._value.get() == before
