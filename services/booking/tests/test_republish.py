"""Publishing the catalog and changed bookings again after a restore."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.republish import republish
from services.booking.tests.conftest import Book, at
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox


class TestRepublish:
    async def test_a_new_booking_is_published_as_the_first_time(
        self, book: Book, salon: date, database: Database, outbox: Outbox
    ) -> None:
        await book(at(salon, "10:00"), notes="Ømt hår")
        (first,) = [entry for entry in await outbox() if entry["type"] == "booking.created.v1"]
        async with transaction(database, SERVICE_CLAIMS) as session:
            count = await republish(session, datetime.now(UTC) - timedelta(hours=1))
        again = [item for item in await outbox() if item["id"] != first["id"]]
        assert len(again) == count == 1 + 4 + 2, "the booking, the treatments, the locticians"
        (same,) = [event for event in again if event["type"] == "booking.created.v1"]
        assert (same["data"], same["subject"], same["version"]) == (first["data"], first["subject"], first["version"])

    async def test_a_changed_booking_is_published_with_its_current_status(
        self, book: Book, salon: date, database: Database, outbox: Outbox, owner: AsyncEngine
    ) -> None:
        for clock, status in (("09:00", "cancelled"), ("11:00", "completed"), ("13:00", "confirmed")):
            booking = (await book(at(salon, clock))).json()
            change = "UPDATE booking.bookings SET status = :status, version = 2 WHERE id = :id"
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text(change), {"status": status, "id": booking["id"]})
        seen = {event["id"] for event in await outbox()}
        async with transaction(database, SERVICE_CLAIMS) as session:
            await republish(session, datetime.now(UTC) - timedelta(hours=1))
        news = [entry for entry in await outbox() if entry["id"] not in seen and entry["type"].startswith("booking.")]
        assert {item["type"] for item in news} == {
            "booking.cancelled.v1", "booking.completed.v1", "booking.confirmed.v1",
        }  # fmt: skip
        assert {event["version"] for event in news} == {2}

    async def test_older_bookings_are_not_published(
        self, book: Book, salon: date, database: Database, outbox: Outbox
    ) -> None:
        await book(at(salon, "10:00"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await republish(session, datetime.now(UTC) + timedelta(seconds=5)) == 4 + 2
