"""Projections of calendar's hours and auth's users, and export and erasure of a person."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from services.booking import privacy
from services.booking.tests.conftest import AMINA, STYLING, Book, OpenOn, SignIn, at, booking_body, user_state
from services.booking.tests.test_slots import clocks, search
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver


async def one_row(database: Database, statement: str) -> Any:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return (await session.execute(text(statement))).one_or_none()


class TestOpenWindows:
    async def test_newer_hours_replace_older_ones_day_by_day(
        self, client: httpx.AsyncClient, salon: date, open_on: OpenOn
    ) -> None:
        await open_on(salon, ("10:00", "11:00"), ("13:00", "14:15"), version=500)
        items = (await search(client, salon, STYLING, loctician_id=str(AMINA))).json()["items"]
        assert clocks(items) == ["10:00", "13:00", "13:15"]

    async def test_older_hours_that_arrive_late_change_nothing(
        self, client: httpx.AsyncClient, salon: date, open_on: OpenOn
    ) -> None:
        await open_on(salon, ("10:00", "11:00"), version=500)
        await open_on(salon, ("09:00", "20:00"), version=499)
        items = (await search(client, salon, STYLING, loctician_id=str(AMINA))).json()["items"]
        assert clocks(items) == ["10:00"]

    async def test_windows_can_end_on_the_next_day(
        self, client: httpx.AsyncClient, salon: date, deliver: Deliver
    ) -> None:
        next_day = salon + timedelta(days=1)
        days = [
            {"date": salon.isoformat(), "windows": [
                {"start": at(salon, "22:00").isoformat(), "end": at(next_day, "00:00").isoformat()}]},
            {"date": next_day.isoformat(), "windows": [
                {"start": at(next_day, "00:00").isoformat(), "end": at(next_day, "01:00").isoformat()}]},
        ]  # fmt: skip
        await deliver("calendar.windows_changed.v1", {"loctician_id": str(AMINA), "days": days}, version=900)
        items = (await search(client, salon, STYLING, loctician_id=str(AMINA))).json()["items"]
        assert clocks(items)[-1] == "23:45"


class TestUsers:
    async def test_the_name_is_right_after_events_out_of_order(self, deliver: Deliver, database: Database) -> None:
        person = uuid4()
        await deliver("user.verified.v1", user_state(person, full_name="Freja Nørgaard"), version=2)
        await deliver("user.registered.v1", user_state(person, full_name="Freja Holm"), version=1)
        assert (await one_row(database, "SELECT name FROM booking.customers"))[0] == "Freja Nørgaard"

    async def test_a_deactivated_loctician_takes_no_more_bookings(
        self, book: Book, salon: date, deliver: Deliver
    ) -> None:
        await deliver("user.deactivated.v1", user_state(AMINA, "loctician", active=False), version=3)
        assert (await book(at(salon, "10:00"))).json()["code"] == "unknown_loctician"

    async def test_a_reactivated_loctician_takes_bookings_again(
        self, book: Book, salon: date, deliver: Deliver
    ) -> None:
        await deliver("user.deactivated.v1", user_state(AMINA, "loctician", active=False), version=3)
        await deliver("user.reactivated.v1", user_state(AMINA, "loctician"), version=4)
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_a_role_change_deactivates_and_activates_the_loctician(
        self, book: Book, salon: date, deliver: Deliver
    ) -> None:
        await deliver("user.role_changed.v1", user_state(AMINA, "staff"), version=3)
        assert (await book(at(salon, "10:00"))).status_code == 422
        await deliver("user.role_changed.v1", user_state(AMINA, "loctician"), version=4)
        await deliver("user.role_changed.v1", user_state(AMINA, "staff"), version=3)
        assert (await book(at(salon, "10:00"))).status_code == 201


class TestPrivacy:
    async def test_stored_answers_to_staff_about_the_person_are_erased(
        self, sign_in: SignIn, salon: date, database: Database, deliver: Deliver
    ) -> None:
        person, staff = uuid4(), sign_in("staff")
        await deliver("user.registered.v1", user_state(person), version=1)
        body = booking_body(at(salon, "10:00")) | {"customer_id": str(person), "notes": "Ømt hår"}
        await staff.post("/bookings/series", body | {"every_weeks": 1, "times": 2}, Idempotency_Key="s-1")
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await privacy.erase(session, person))["idempotency_keys"] == 1
        assert await one_row(database, "SELECT 1 FROM booking.bookings WHERE notes IS NOT NULL") is None

    async def test_holds_and_wishes_are_exported_and_erased(
        self, sign_in: SignIn, salon: date, database: Database, book: Book
    ) -> None:
        customer = sign_in()
        await customer.post("/bookings/holds", booking_body(at(salon, "10:00")))
        closed = (salon + timedelta(days=1)).isoformat()
        days = {"from": closed, "to": closed}
        await customer.post("/waitlist", {"service_ids": [str(STYLING)]} | days)
        async with transaction(database, SERVICE_CLAIMS) as session:
            exported = await privacy.export(session, customer.id)
            proof = await privacy.erase(session, customer.id)
        assert [len(exported[name]) for name in ("holds", "waitlist")] == [1, 1]
        assert [proof[name] for name in ("holds", "waitlist")] == [1, 1]
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_an_export_contains_the_person_and_nobody_else(
        self, book: Book, salon: date, database: Database
    ) -> None:
        own = (await book(at(salon, "10:00"), notes="Ømt hår")).json()
        await book(at(salon, "13:00"), notes="Andens")
        async with transaction(database, SERVICE_CLAIMS) as session:
            exported = await privacy.export(session, UUID(own["customer_id"]))
        assert [booking["notes"] for booking in exported["bookings"]] == ["Ømt hår"]
        assert "Andens" not in str(exported)

    async def test_an_erasure_cancels_upcoming_bookings_and_keeps_the_books(
        self, book: Book, salon: date, database: Database
    ) -> None:
        own = (await book(at(salon, "10:00"), notes="Ømt hår", key="k-1")).json()
        person = UUID(own["customer_id"])
        async with transaction(database, SERVICE_CLAIMS) as session:
            proof = await privacy.erase(session, person)
        assert (proof["bookings"], proof["cancelled"], proof["idempotency_keys"]) == (1, 1, 1)
        left = await one_row(database, "SELECT customer_id, notes, price_amount, status FROM booking.bookings")
        assert left.customer_id != person
        assert tuple(left[1:]) == (None, 64900, "cancelled")
        async with transaction(database, SERVICE_CLAIMS) as session:
            exported = await privacy.export(session, person)
        assert not any(exported.values())
        assert (await book(at(salon, "10:00"))).status_code == 201
