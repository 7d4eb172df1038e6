"""Old rows are deleted or anonymized in time, and no others."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.booking.main import SERVICE
from services.booking.portfolio import queries as portfolio
from services.booking.retention import POLICIES
from services.booking.tests.conftest import AMINA, JONAS, Book, OpenOn, SetClock, SignIn, at
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.jobs import run_once
from shared.privacy import retention

POLICY = {policy.name: policy for policy in POLICIES}
TODAY = date(2026, 7, 1)
NOW = at(TODAY, "12:00")

# One row that is as old as `at` says.
ROWS = {
    "holds": """
        INSERT INTO holds (id, customer_id, treatment_ids, performer_ids, starts_at, ends_at, price_amount, expires_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), '{}', '{}', now(), now(), 1, :at)""",
    "requests": """
        INSERT INTO requests (id, kind, status, treatment_ids, expires_at)
        VALUES (gen_random_uuid(), 'booking', 'lapsed', '{}', :at)""",
    "visitor_calls": """
        INSERT INTO visitor_calls (id, network, made_at) VALUES (gen_random_uuid(), 'x', :at)""",
    "freed_times": """
        INSERT INTO freed_times (loctician_id, times) VALUES (gen_random_uuid(),
            tstzmultirange(tstzrange(CAST(:at AS timestamptz) - interval '2 days', :at)))""",
    "waitlist": """
        INSERT INTO waitlist (id, customer_id, treatment_ids, first_day, last_day)
        VALUES (gen_random_uuid(), gen_random_uuid(), '{}', booking.local_day(:at), booking.local_day(:at))""",
    "answered_wishes": """
        INSERT INTO waitlist (id, customer_id, treatment_ids, first_day, last_day, status, answered_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), '{}', '2099-01-01', '2099-01-01', 'accepted', :at)""",
    "occupancy": """
        INSERT INTO occupancy (item_id, loctician_id, blocked)
        VALUES (gen_random_uuid(), gen_random_uuid(), tstzrange(CAST(:at AS timestamptz) - interval '2 days', :at))""",
    "open_windows": """
        INSERT INTO open_windows (loctician_id, day, version, windows)
        VALUES (gen_random_uuid(), booking.local_day(:at), 1, '{}')""",
    "portfolio_media": """
        WITH who AS (
            INSERT INTO locticians (loctician_id, display_name) VALUES (gen_random_uuid(), 'A') RETURNING loctician_id
        ), source AS (
            INSERT INTO portfolio_sources (loctician_id, instagram_user_id) SELECT loctician_id, '1' FROM who)
        INSERT INTO portfolio_media (loctician_id, place, media_id, kind, caption, media_url, permalink, fetched_at)
        SELECT loctician_id, 1, '', '', '', '', '', :at FROM who""",
    "departed_portfolios": """
        WITH who AS (
            INSERT INTO locticians (loctician_id, display_name) VALUES (gen_random_uuid(), 'A') RETURNING loctician_id)
        INSERT INTO portfolio_sources (loctician_id, instagram_user_id) SELECT loctician_id, '1' FROM who""",
    "departed_pictures": """
        WITH who AS (
            INSERT INTO locticians (loctician_id, display_name) VALUES (gen_random_uuid(), 'A') RETURNING loctician_id)
        INSERT INTO media (id, kind, loctician_id, width, height, small, medium, large)
        SELECT gen_random_uuid(), 'profile', loctician_id, 1, 1, '', '', '' FROM who""",
    "departed_profiles": """
        INSERT INTO locticians (loctician_id, display_name, bio) VALUES (gen_random_uuid(), 'A', 'Om mig')""",
}
TABLES = ("bookings", "booking_items", "booking_history", "occupancy")


@pytest.fixture
def apply(database: Database) -> Callable[[str], Awaitable[int]]:
    """Applies a policy at NOW, and checks that it removes as many rows as it counted."""

    async def run(name: str) -> int:
        policy = POLICY[name]
        values = {"before": NOW - policy.keep}
        async with transaction(database, SERVICE_CLAIMS) as session:
            counted = await session.scalar(text(policy.counting), values)
            removed = await session.scalar(text(policy.statement), values | {"limit": retention.BATCH})
            assert await session.scalar(text(policy.counting), values) == 0
        assert counted == removed
        return int(removed or 0)

    return run


Apply = Callable[[str], Awaitable[int]]


@pytest.fixture
async def rows(database: Database) -> Callable[..., Awaitable[list[Any]]]:
    async def read(statement: str, **values: Any) -> list[Any]:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return list((await session.execute(text(statement), values)).all())

    return read


Rows = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
def book_on(book: Book, open_on: OpenOn, set_clock: SetClock) -> Callable[..., Awaitable[UUID]]:
    """Books Amina at ten o'clock on a past day, on the morning of that day, and sets the clock to NOW."""

    async def take(day: date, **more: Any) -> UUID:
        await open_on(day, ("09:00", "17:00"))
        await set_clock(at(day, "07:00"))
        answer = await book(at(day, "10:00"), **more)
        assert answer.status_code == 201, answer.text
        await set_clock(NOW)
        return UUID(answer.json()["id"])

    return take


BookOn = Callable[..., Awaitable[UUID]]


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


class TestRows:
    @pytest.mark.parametrize("name", [name for name in ROWS if not name.startswith("departed")])
    async def test_older_rows_are_deleted_and_younger_ones_stay(
        self, name: str, apply: Apply, rows: Rows, database: Database, set_clock: SetClock
    ) -> None:
        await set_clock(NOW)
        policy = POLICY[name]
        async with transaction(database, SERVICE_CLAIMS) as session:
            for extra in (-2, 2, 5000):
                instant = NOW - policy.keep + timedelta(days=extra)
                await session.execute(text(ROWS[name]), {"at": instant})
        assert await apply(name) == 1
        assert len(await rows(f"SELECT 1 FROM {policy.table}")) == 2
        assert await apply(name) == 0

    async def test_every_policy_has_a_test(self) -> None:
        told_below = {"walk_ins", "notes", "customers_of_bookings", "bookings"}
        assert set(ROWS) | told_below == set(POLICY)

    async def test_the_occupancy_of_a_hold_is_deleted_with_it(self, apply: Apply, rows: Rows) -> None:
        async def held(lapses_at: datetime) -> None:
            await rows(
                """INSERT INTO occupancy (item_id, loctician_id, blocked, lapses_at)
                   VALUES (gen_random_uuid(), gen_random_uuid(), '[2090-01-01, 2090-01-02)', :at) RETURNING 1""",
                at=lapses_at,
            )

        await held(NOW - timedelta(days=91))
        await held(NOW)
        assert await apply("occupancy") == 1

    async def test_an_open_offer_stays_until_it_is_ended(self, apply: Apply, rows: Rows) -> None:
        await rows(
            """INSERT INTO waitlist (id, customer_id, treatment_ids, first_day, last_day, status)
               VALUES (gen_random_uuid(), gen_random_uuid(), '{}', '2020-01-01', '2020-01-01', 'offered') RETURNING 1"""
        )
        assert await apply("waitlist") == 0

    async def test_an_answered_wish_is_kept_from_the_time_of_its_answer(self, rows: Rows, set_clock: SetClock) -> None:
        await set_clock(NOW)
        await rows(ROWS["waitlist"] + " RETURNING 1", at=NOW)
        [first] = await rows("UPDATE waitlist SET status = 'offered' RETURNING answered_at")
        [then] = await rows("UPDATE waitlist SET status = 'accepted' RETURNING answered_at")
        assert (first.answered_at, then.answered_at) == (None, NOW)


class TestDeparted:
    async def test_the_portfolio_goes_after_a_month_and_the_profile_texts_after_a_year(
        self, salon: date, apply: Apply, rows: Rows, set_clock: SetClock
    ) -> None:
        await rows("UPDATE locticians SET bio = 'Om mig', portfolio_links = '[\"https\\://a.example\"]' RETURNING 1")
        await rows("INSERT INTO portfolio_sources SELECT loctician_id, '1' FROM locticians RETURNING 1")
        await rows("""INSERT INTO media (id, kind, loctician_id, width, height, small, medium, large)
            SELECT gen_random_uuid(), 'portfolio', loctician_id, 1, 1, '', '', '' FROM locticians RETURNING 1""")
        for loctician, days in ((AMINA, 31), (JONAS, 29)):
            await set_clock(at(ago(days), "12:00"))
            await rows("UPDATE locticians SET active = false WHERE loctician_id = :id RETURNING 1", id=loctician)
        assert await apply("departed_portfolios") == 1
        assert [row.loctician_id for row in await rows("SELECT * FROM portfolio_sources")] == [JONAS]
        assert await apply("departed_pictures") == 1
        assert [row.loctician_id for row in await rows("SELECT loctician_id FROM media")] == [JONAS]
        assert await apply("departed_profiles") == 0
        await set_clock(at(ago(366), "12:00"))
        await rows("UPDATE locticians SET active = true WHERE loctician_id = :id RETURNING 1", id=AMINA)
        await rows("UPDATE locticians SET active = false WHERE loctician_id = :id RETURNING 1", id=AMINA)
        assert await apply("departed_profiles") == 1
        words = await rows("SELECT display_name, bio, portfolio_links FROM locticians ORDER BY display_name")
        assert [tuple(row) for row in words] == [("Amina", "", []), ("Jonas", "Om mig", ["https://a.example"])]

    async def test_a_loctician_who_comes_back_keeps_everything(self, salon: date, rows: Rows, apply: Apply) -> None:
        await rows("INSERT INTO portfolio_sources SELECT loctician_id, '1' FROM locticians RETURNING 1")
        for active in (False, True):
            await rows("UPDATE locticians SET active = :active RETURNING 1", active=active)
        assert await apply("departed_portfolios") == 0

    async def test_no_media_are_fetched_for_a_loctician_who_left(
        self, salon: date, rows: Rows, database: Database
    ) -> None:
        await rows("INSERT INTO portfolio_sources SELECT loctician_id, '1' FROM locticians RETURNING 1")
        await rows("UPDATE locticians SET active = false WHERE loctician_id = :id RETURNING 1", id=AMINA)
        async with transaction(database, SERVICE_CLAIMS) as session:
            due = await portfolio.claim_due(session, timedelta(minutes=1), 10)
        assert [row.loctician_id for row in due] == [JONAS]


class TestBookings:
    async def test_lose_their_notes_then_their_customer_and_are_deleted_last(
        self, book_on: BookOn, apply: Apply, rows: Rows, sign_in: SignIn
    ) -> None:
        customer = sign_in()
        ages = {"young": 700, "quiet": 740, "nobodys": 1100, "gone": 2300}
        ids = {await book_on(ago(days), customer=customer.id, notes="Ømt hår"): name for name, days in ages.items()}
        assert [await apply(name) for name in ("notes", "customers_of_bookings", "bookings")] == [3, 2, 1]
        left = {ids[row.id]: row for row in await rows("SELECT * FROM bookings")}
        assert {name: (row.notes, row.customer_id == customer.id) for name, row in left.items()} == {
            "young": ("Ømt hår", True),
            "quiet": (None, True),
            "nobodys": (None, False),
        }
        assert {row.price_amount for row in left.values()} == {64900}
        for table in TABLES[1:]:
            assert len(await rows(f"SELECT 1 FROM {table}")) == 3, table
        parted = left["nobodys"]
        for table in ("booking_items", "booking_history"):
            [row] = await rows(f"SELECT * FROM {table} WHERE booking_id = :id", id=parted.id)
            assert row.customer_id == parted.customer_id, table
        assert row.actor_id is None
        seen = (await customer.get("/bookings")).json()["items"]
        assert {UUID(booking["id"]) for booking in seen} == {left["young"].id, left["quiet"].id}

    async def test_are_kept_five_years_from_the_end_of_their_financial_year(
        self, book_on: BookOn, apply: Apply, rows: Rows
    ) -> None:
        first, last = await book_on(date(2021, 1, 1)), await book_on(date(2020, 12, 31))
        assert await apply("bookings") == 1
        assert [row.id for row in await rows("SELECT id FROM bookings")] == [first]
        assert last != first

    async def test_of_one_person_cannot_be_linked_after_anonymization(
        self, book_on: BookOn, apply: Apply, rows: Rows, sign_in: SignIn
    ) -> None:
        for days in (1100, 1200):
            await book_on(ago(days), customer=sign_in("customer", UUID(int=77)).id)
        assert await apply("customers_of_bookings") == 2
        people = await rows("SELECT DISTINCT customer_id FROM bookings")
        assert len(people) == 2
        assert UUID(int=77) not in {person.customer_id for person in people}

    async def test_of_walk_ins_lose_name_and_phone_after_a_month(
        self, book_on: BookOn, apply: Apply, rows: Rows
    ) -> None:
        guest = {"name": "Åse", "phone": "20123456"}
        for days in (29, 31):
            await book_on(ago(days), role="staff", walk_in=guest)
        assert await apply("walk_ins") == 1
        names = await rows("SELECT walk_in, walk_in_name, walk_in_phone FROM bookings ORDER BY starts_at")
        assert [tuple(row) for row in names] == [(True, None, None), (True, "Åse", "+4520123456")]

    async def test_that_bookkeeping_needs_cannot_be_deleted(
        self, book_on: BookOn, rows: Rows, database: Database, set_clock: SetClock
    ) -> None:
        await book_on(ago(1700))
        await set_clock(None)
        assert [row[0] for row in await rows("SELECT booking.delete_bookings('2090-01-01', 1000)")] == [0]
        for table in ("bookings", "booking_history"):
            with pytest.raises(DBAPIError, match="permission denied"):
                await rows(f"DELETE FROM {table} RETURNING 1")
        await set_clock(at(date(2060, 1, 1), "12:00"))
        for role in ("customer", "loctician"):
            async with transaction(database, Claims(role, uuid4())) as session:
                removed = await session.scalar(text("SELECT booking.delete_bookings(now(), 1000)"))
            assert removed == 0
        assert len(await rows("SELECT 1 FROM bookings")) == 1

    async def test_are_deleted_on_the_order_of_gdpr_with_the_counts_published(
        self, book_on: BookOn, deliver: Any, database: Database, rows: Rows, outbox: Any, set_clock: SetClock
    ) -> None:
        await book_on(ago(2600))
        await set_clock(None)
        orders = [{"service": "booking", "policy": "bookings", "keep_days": POLICY["bookings"].keep.days}]
        due = {"run_id": str(uuid4()), "version": 1, "dry_run": False, "policies": orders}
        await deliver("gdpr.retention_due.v1", due)
        assert await run_once(database, retention.job("booking", SERVICE.policies)) == "done"
        applied = (await outbox())[-1]["data"]
        assert (applied["policy"], applied["counted"], applied["removed"]) == ("bookings", 1, 1)
        assert [len(await rows(f"SELECT 1 FROM {table}")) for table in TABLES] == [0, 0, 0, 0]
