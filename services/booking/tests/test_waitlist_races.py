"""The waitlist: what happens at the same moment, and how little is locked."""

import asyncio
from collections import Counter
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking import privacy
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    Book,
    Caller,
    Offering,
    OpenOn,
    SetClock,
    SignIn,
    at,
    booking_body,
    user_state,
)
from services.booking.tests.test_concurrency import overlaps
from services.booking.tests.test_freed_times import starts_of
from services.booking.tests.test_holds import deadlocks, end_expired_holds
from services.booking.tests.test_waitlist import AT_TEN, offer_of, wait
from services.booking.tests.test_waitlist_turns import (  # fmt: skip
    ADVISORY,
    LEFT_OVER,
    WAITERS,
    Cancel,
    add_wishes,
    count,
    taken,
)
from services.booking.waitlist import offers
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.waiting import until

__all__ = ["taken"]
PID = text("SELECT pg_backend_pid()")


@pytest.fixture
async def offered(first: Caller, second: Caller, taken: Cancel, salon: date) -> dict[str, Any]:
    """Both wait for Amina's 10:00, which is offered to the first. Returns the first wish."""
    for caller in (first, second):
        await wait(caller, salon, **AT_TEN)
    await taken()
    [wish] = (await first.get("/waitlist")).json()["items"]
    assert wish["status"] == "offered"
    return dict(wish)


def accept(caller: Caller, wish: dict[str, Any]) -> Any:
    return caller.post("/bookings", booking_body(wish["offer"]["start"], hold_id=wish["offer"]["hold_id"]))


class TestLeaving:
    async def test_while_an_offer_is_being_made_frees_it_for_the_next(
        self, first: Caller, second: Caller, salon: date, open_on: OpenOn, database: Database,
        offer_freed_times: Offering,
    ) -> None:  # fmt: skip
        evening = {"earliest": "17:00", "latest": "18:30", "loctician_id": str(AMINA)}
        wish = (await wait(first, salon, **evening)).json()
        await wait(second, salon, **evening)
        await offer_freed_times()
        await open_on(salon, ("09:00", "18:30"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await offers.offer_freed_times(session)
            leaving = asyncio.create_task(first.delete(f"/waitlist/{wish['id']}"))
            await until(lambda: _waits(database))
        assert (await leaving).status_code == 204
        assert await starts_of(second) == [at(salon, "17:00").isoformat()]
        assert await count(database, LEFT_OVER) == 0

    @pytest.mark.parametrize("closing", ["erased", "deactivated"])
    async def test_by_closing_the_account_while_an_offer_is_being_made(
        self, first: Caller, second: Caller, salon: date, open_on: OpenOn, database: Database,
        offer_freed_times: Offering, deliver: Any, closing: str,
    ) -> None:  # fmt: skip
        evening = {"earliest": "17:00", "latest": "18:30", "loctician_id": str(AMINA)}
        for caller in (first, second):
            await wait(caller, salon, **evening)
        await offer_freed_times()
        await open_on(salon, ("09:00", "18:30"))

        async def close() -> None:
            if closing == "erased":
                async with transaction(database, SERVICE_CLAIMS) as other:
                    await privacy.erase(other, first.id)
            else:
                await deliver("user.deactivated.v1", user_state(first.id, active=False), version=2)

        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await offers.offer_freed_times(session)
            closed = asyncio.create_task(close())
            await until(lambda: _waits(database))
        await closed
        assert await starts_of(second) == [at(salon, "17:00").isoformat()]
        assert await count(database, LEFT_OVER) == 0

    @pytest.mark.parametrize("attempt", range(4))
    async def test_and_accepting_at_the_same_moment(
        self, offered: dict[str, Any], first: Caller, second: Caller, database: Database, salon: date, attempt: int
    ) -> None:
        before = deadlocks()
        calls = [accept(first, offered), first.delete(f"/waitlist/{offered['id']}")]
        answers = await asyncio.gather(*(calls if attempt % 2 else reversed(calls)))
        codes = {answer.request.method: answer.status_code for answer in answers}
        assert (codes["DELETE"], deadlocks()) == (204, before)
        assert codes["POST"] in {201, 409}
        assert await starts_of(second) == [None if codes["POST"] == 201 else at(salon, "10:00").isoformat()]
        assert await count(database, LEFT_OVER) == 0

    async def test_and_the_end_of_the_offer_at_the_same_moment(
        self, offered: dict[str, Any], first: Caller, second: Caller, salon: date,
        set_clock: SetClock, database: Database,
    ) -> None:  # fmt: skip
        before = deadlocks()
        await set_clock(at(salon, "06:00"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("UPDATE booking.holds SET expires_at = booking.clock()"))
            await session.execute(text("UPDATE booking.occupancy SET lapses_at = booking.clock()"))
        left, *_ = await asyncio.gather(
            first.delete(f"/waitlist/{offered['id']}"), end_expired_holds(database), end_expired_holds(database)
        )
        assert (left.status_code, deadlocks()) == (204, before)
        assert await starts_of(second) == [at(salon, "10:00").isoformat()]
        assert await count(database, LEFT_OVER) == 0

    async def test_twice_at_the_same_moment(self, offered: dict[str, Any], first: Caller, second: Caller) -> None:
        answers = await asyncio.gather(*(first.delete(f"/waitlist/{offered['id']}") for _ in range(5)))
        assert Counter(answer.status_code for answer in answers) == {204: 1, 404: 4}
        assert await offer_of(second)


class TestJoining:
    @pytest.mark.parametrize("attempt", range(4))
    async def test_and_a_cancellation_at_the_same_moment_lose_no_time(
        self, first: Caller, taken: Cancel, salon: date, database: Database, offer_freed_times: Offering, attempt: int
    ) -> None:
        calls = [taken(), wait(first, salon, **AT_TEN)]
        await asyncio.gather(*(calls if attempt % 2 else reversed(calls)))
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]
        assert await count(database, LEFT_OVER) == 0

    async def test_many_at_once_offer_no_time_twice(
        self, database: Database, sign_in: SignIn, salon: date, owner: AsyncEngine, offer_freed_times: Offering
    ) -> None:
        people = [sign_in() for _ in range(12)]
        answers = await asyncio.gather(*(wait(caller, salon, latest="12:00") for caller in people))
        assert {answer.status_code for answer in answers} == {201}
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(
                text("""
                UPDATE booking.waitlist SET created_at = created_at - interval '1 minute',
                    queued_at = queued_at - interval '1 minute'
            """)
            )
        await offer_freed_times()
        offered = [start for start in await starts_of(*people) if start]
        assert len(offered) == 3  # Amina's 9:00, and two of Jonas
        assert await overlaps(owner) == 0

    async def test_whose_look_for_a_time_was_broken_off_is_looked_after_by_the_job(
        self, first: Caller, salon: date, database: Database, offer_freed_times: Offering, open_on: OpenOn
    ) -> None:
        await add_wishes(database, salon, 1, earliest="10:00", latest="11:30")
        await offer_freed_times()
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("""
                UPDATE booking.waitlist SET customer_id = :customer, unexamined = true, status = 'waiting',
                    created_at = now() - interval '1 minute', queued_at = now() - interval '1 minute'
            """), {"customer": first.id})  # fmt: skip
            await session.execute(text("DELETE FROM booking.occupancy"))
            await session.execute(text("DELETE FROM booking.holds"))
        await offer_freed_times()
        assert await starts_of(first) == [at(salon, "10:00").isoformat()]


class TestLocks:
    async def test_the_job_locks_the_people_of_one_offer_only(
        self, first: Caller, salon: date, open_on: OpenOn, database: Database,
        offer_freed_times: Offering, book: Book,
    ) -> None:  # fmt: skip
        for chair in (AMINA, JONAS):
            await add_wishes(database, salon, 3, earliest="17:00", latest="20:00", loctician_id=chair)
        await offer_freed_times()
        for chair in (AMINA, JONAS):
            await open_on(salon, ("09:00", "20:00"), loctician=chair)
        async with transaction(database, SERVICE_CLAIMS) as session:
            pid = (await session.execute(PID)).scalar_one()
            assert await offers.offer_freed_times(session)
            assert await count(database, ADVISORY, pid=pid) == 3  # the customer's two, and the loctician's
            [chair] = (await session.execute(text("SELECT performer_ids[1] FROM booking.holds"))).scalars()
            other = JONAS if chair == AMINA else AMINA
            assert (await book(at(salon, "10:00"), loctician=other)).status_code == 201

    async def test_the_job_without_a_match_locks_nobody(self, salon: date, database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            pid = (await session.execute(PID)).scalar_one()
            assert await offers.offer_freed_times(session)
            assert await count(database, ADVISORY, pid=pid) == 0

    async def test_the_statements_of_a_run_do_not_grow_with_the_wishes(
        self, salon: date, open_on: OpenOn, database: Database, offer_freed_times: Offering
    ) -> None:
        await offer_freed_times()
        counts = []
        for wishes in (1, 60):
            await add_wishes(database, salon, wishes, earliest="17:30", latest="18:30")
            await add_wishes(database, salon, 1, earliest="17:00", latest="18:30")
            await open_on(salon, ("09:00", "18:30"))
            counts.append(await _statements(database))
            await offer_freed_times()
            await open_on(salon, ("09:00", "17:00"))
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text("DELETE FROM booking.waitlist WHERE status = 'offered'"))
                await session.execute(text("DELETE FROM booking.occupancy"))
        assert counts[0] == counts[1] <= 12


async def _statements(database: Database) -> int:
    """How many statements one run of the job executes."""
    executed: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        executed.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await offers.offer_freed_times(session)
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    return len(executed)


async def _waits(database: Database) -> bool:
    return await count(database, WAITERS) > 0
