from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.republish import republish
from services.booking.tests.conftest import Book, at
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS

Outbox = Callable[[], Awaitable[list[dict[str, Any]]]]


class TestRetelling:
    async def test_a_booking_is_told_as_it_was_the_first_time(
        self, book: Book, salon: date, database: Database, outbox: Outbox
    ) -> None:
        await book(at(salon, "10:00"), notes="Ømt hår")
        (first,) = [one for one in await outbox() if one["type"] == "booking.created.v1"]
        async with transaction(database, SERVICE_CLAIMS) as session:
            told = await republish(session, datetime.now(UTC) - timedelta(hours=1))
        again = [one for one in await outbox() if one["id"] != first["id"]]
        assert len(again) == told == 1 + 4 + 2, "the booking, the treatments, the locticians"
        (same,) = [one for one in again if one["type"] == "booking.created.v1"]
        assert (same["data"], same["subject"], same["version"]) == (first["data"], first["subject"], first["version"])

    async def test_what_has_changed_since_is_told_by_how_it_stands(
        self, book: Book, salon: date, database: Database, outbox: Outbox, owner: AsyncEngine
    ) -> None:
        for clock, status in (("09:00", "cancelled"), ("11:00", "completed"), ("13:00", "confirmed")):
            made = (await book(at(salon, clock))).json()
            change = "UPDATE booking.bookings SET status = :status, version = 2 WHERE id = :id"
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text(change), {"status": status, "id": made["id"]})
        seen = {one["id"] for one in await outbox()}
        async with transaction(database, SERVICE_CLAIMS) as session:
            await republish(session, datetime.now(UTC) - timedelta(hours=1))
        told = [one for one in await outbox() if one["id"] not in seen and one["type"].startswith("booking.")]
        assert {one["type"] for one in told} == {
            "booking.cancelled.v1", "booking.completed.v1", "booking.confirmed.v1",
        }  # fmt: skip
        assert {one["version"] for one in told} == {2}

    async def test_older_bookings_are_left_alone(
        self, book: Book, salon: date, database: Database, outbox: Outbox
    ) -> None:
        await book(at(salon, "10:00"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await republish(session, datetime.now(UTC) + timedelta(seconds=5)) == 4 + 2
