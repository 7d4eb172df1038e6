"""Reading the current state of catalog, profiles and bookings, to publish it again; and the reasons of events."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.events import EventReason
from services.booking.republish import read_bookings, read_profiles, read_treatments
from services.booking.tests.conftest import Book, at
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import Event
from shared.testing.types import Headers, Outbox

TYPED = "Jeg er syg, ring til mig paa 20 12 34 56"


async def bookings(database: Database, since: datetime | None = None, after: str | None = None) -> list[Event]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return [event for _, events in await read_bookings(session, after, 100, since) for event in events]


class TestState:
    async def test_a_new_booking_is_read_as_it_was_published(
        self, book: Book, salon: date, database: Database, outbox: Outbox
    ) -> None:
        await book(at(salon, "10:00"), notes="Oemt haar")
        (first,) = [entry for entry in await outbox() if entry["type"] == "booking.created.v1"]
        [again] = await bookings(database)
        assert again.type_ == "booking.created.v1"
        assert type(again).model_validate(first["data"]) == again
        assert await bookings(database, after=first["subject"]) == []
        assert len(await outbox()) == 1, "nothing is emitted"

    async def test_a_changed_booking_is_read_with_its_current_status(
        self, book: Book, salon: date, database: Database
    ) -> None:
        for clock, status in (("09:00", "cancelled"), ("11:00", "completed"), ("13:00", "confirmed")):
            booking = (await book(at(salon, clock))).json()
            change = "UPDATE booking.bookings SET status = :status, version = 2 WHERE id = :id"
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text(change), {"status": status, "id": booking["id"]})
        read = await bookings(database, since=datetime.now(UTC) - timedelta(hours=1))
        assert {event.type_ for event in read} == {
            "booking.cancelled.v1", "booking.completed.v1", "booking.confirmed.v1",
        }  # fmt: skip
        assert {event.version for event in read} == {2}
        assert await bookings(database, since=datetime.now(UTC) + timedelta(seconds=5)) == []

    async def test_catalog_and_profiles_are_read_whole_and_in_pages(self, salon: date, database: Database) -> None:
        later = datetime.now(UTC) + timedelta(seconds=5)
        async with transaction(database, SERVICE_CLAIMS) as session:
            treatments = await read_treatments(session, None, 100, later)
            [first, second] = await read_treatments(session, None, 2, later)
            rest = await read_treatments(session, second[0], 100, later)
            profiles = await read_profiles(session, None, 100, later)
        assert [first, second, *rest] == treatments
        assert len(treatments) == 4
        assert [events[0].subject for _, events in profiles] == [key for key, _ in profiles]
        assert len(profiles) == 2


class TestReasons:
    async def test_what_somebody_wrote_is_in_no_event(
        self,
        book: Book,
        salon: date,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        database: Database,
        outbox: Outbox,
    ) -> None:
        for clock, role, reason in (("09:00", None, "by_customer"), ("11:00", "staff", "by_salon")):
            booking = (await book(at(salon, clock))).json()
            headers = auth_headers(role) if role else auth_headers("customer", booking["customer_id"])
            path = f"/api/v1/bookings/{booking['id']}/cancel"
            answer = await client.post(path, json={"reason": TYPED}, headers=headers)
            assert answer.status_code == 200, answer.text
            [again] = [event for event in await bookings(database) if event.subject == booking["id"]]
            assert again.model_dump()["reason"] == reason
        cancelled = [event["data"] for event in await outbox() if event["type"] == "booking.cancelled.v1"]
        assert [data["reason"] for data in cancelled] == ["by_customer", "by_salon"]
        assert TYPED not in str(await outbox()) + str(await bookings(database))

    async def test_the_database_refuses_an_event_with_any_other_reason(
        self, book: Book, salon: date, database: Database, owner: AsyncEngine
    ) -> None:
        await book(at(salon, "10:00"))
        record = text("SELECT booking.record_change(b, 'cancelled', :reason) FROM booking.bookings b")
        with pytest.raises(IntegrityError, match="the reason of an event is a code"):
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(record, {"reason": TYPED})
        async with transaction(database, SERVICE_CLAIMS) as session:
            known = (await session.execute(text("SELECT booking.event_reasons()"))).scalar_one()
        assert set(known) == set(get_args(EventReason))
